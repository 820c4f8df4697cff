"""What a promptfoo file asserts about answers: read, with all that runs code refused by name.

A file lies in the folder of a dataset, so a stranger may have written it: no code of it runs, no
other file is read, nothing is asked of a network, and it is YAML without aliases. Of promptfoo only
the assertions are understood; its prompts and providers are not: Tunedrop asks its own.
A test without `vars` is about every example; one with them about the examples in whose messages all
of its values stand, as they do in a prompt that was made with them.
https://www.promptfoo.dev/docs/configuration/reference/
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.dataset.checks.conversations import text_of
from shared.dataset.findings.quoting import shorten
from shared.errors import DropError
from shared.model.assertion_kinds import KINDS, Check, Unusable, check_of
from shared.model.evaluation import Example
from shared.model.plain_yaml import NotPlain, load

LARGEST = 256_000  # bytes
MOST = 1_000  # assertions of a file

_RUNS_CODE = {"javascript", "python", "ruby"}
_CODE_KEYS = {
    *("transform", "contextTransform", "assertScoringFunction", "transformVars"),
    *("extensions", "nunjucksFilters"),
}
_CONFIG_KEYS = {  # the others of promptfoo's own schema assert nothing
    *("tests", "defaultTest", "$schema", "description", "tags", "metadata", "prompts", "env"),
    *("providers", "targets", "evaluateOptions", "commandLineOptions", "outputPath", "sharing"),
    *("writeLatestResults", "derivedMetrics", "redteam", "tracing"),
}
_ASSERTION_KEYS = {"type", "value", "weight", "metric"}
_TEST_KEYS = {"assert", "vars", "description", "threshold", "metadata", "options"}
_OPTIONS = {"provider", "rubricPrompt"}  # of assertions that are refused by themselves
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_FIX = f"Take it out, or write it with one of: {', '.join(KINDS)}, or `not-` before one."


@dataclass(frozen=True, slots=True)
class Assertion:
    check: Check
    negated: bool = False
    weight: float = 1.0

    def passes(self, text: str) -> bool:
        return self.check(text) is not self.negated


@dataclass(frozen=True, slots=True)
class Case:
    """Assertions about the examples in which all of `about` stands; with a `threshold`, it is
    passed or not, and there is nothing between."""

    assertions: tuple[Assertion, ...]
    about: tuple[str, ...] = ()
    threshold: float | None = None

    def score(self, text: str) -> float:
        """The share of its assertions that pass, by their weights."""
        passed = sum(one.weight for one in self.assertions if one.passes(text))
        share = passed / sum(one.weight for one in self.assertions)
        return share if self.threshold is None else float(share >= self.threshold)


@dataclass(frozen=True, slots=True)
class Assertions:
    """All that one promptfoo file asserts; `sha256` is of the file."""

    sha256: str = ""
    cases: tuple[Case, ...] = ()

    def about(self, example: Example) -> tuple[Case, ...]:
        messages = example.request["messages"]
        asked = "\n".join(text_of(message.get("content")) for message in messages)
        return tuple(case for case in self.cases if all(part in asked for part in case.about))


NONE = Assertions()


def check_size(size: int) -> None:
    """Raises DropError."""
    if size > LARGEST:
        raise _refused("", f"has {size:,} bytes", f"At most {LARGEST:,} are read.")


def read(promptfoo: bytes) -> Assertions:
    """Raises DropError with what is not understood, or refused because it runs code or asks a
    network."""
    check_size(len(promptfoo))
    try:
        config = load(promptfoo)
    except NotPlain as error:
        raise _refused("", str(error), "Correct it and drop it again.") from None
    if not isinstance(config, dict):
        raise _refused("", "has no keys", "Write `tests:` with a list of assertions.")
    if "scenarios" in config:
        raise _refused("scenarios", "is not understood", "Write its tests under `tests:`.")
    _only(config, _CONFIG_KEYS, "")
    tests = tuple(_tests(config))
    if sum(len(test.assertions) for test in tests) > MOST:
        raise _refused("", f"has more than {MOST:,} assertions", "Take the others out.")
    return Assertions(hashlib.sha256(promptfoo).hexdigest(), tests)


def _tests(config: Mapping[str, Any]) -> Iterator[Case]:
    default = _group(config.get("defaultTest"), "defaultTest")
    shared = _vars(default, "defaultTest")
    if asserted := _test(default, "defaultTest", {}, shared):
        yield asserted
    listed = config.get("tests") or []
    if not isinstance(listed, list):
        raise _refused("tests", "is no list: no other file is read", _FIX)
    for number, given in enumerate(listed, 1):
        where = f"test {number}"
        group = _group(given, where)
        own = _vars(group, where)
        if asserted := _test(group, where, own, {**shared, **own}):
            yield asserted


def _test(
    group: Mapping[str, Any], where: str, about: Mapping[str, str], known: Mapping[str, str]
) -> Case | None:
    _only(group, _TEST_KEYS, where)
    _only(_group(group.get("options"), f"{where}, options"), _OPTIONS, f"{where}, options")
    listed = group.get("assert") or []
    if not isinstance(listed, list):
        raise _refused(f"{where}, assert", "is no list", _FIX)
    found = [
        _assertion(given, f"{where}, assertion {number}", known)
        for number, given in enumerate(listed, 1)
    ]
    deciding = tuple(one for one in found if one.weight > 0)
    threshold = group.get("threshold")
    if threshold is not None:
        threshold = _number(threshold, f"{where}, threshold", most=1)
    return Case(deciding, tuple(about.values()), threshold or None) if deciding else None


def _assertion(given: Any, where: str, known: Mapping[str, str]) -> Assertion:
    group = _group(given, where)
    kind = str(group.get("type", ""))
    negated = kind.startswith("not-")
    bare = kind.removeprefix("not-")
    if bare in _RUNS_CODE:
        raise _refused(f"{where} ({kind})", "runs code, and no code of a dataset is run", _FIX)
    if bare not in KINDS:
        why = "is none that is understood without code, a model or a network"
        raise _refused(f"{where} ({shorten(kind)})" if kind else where, why, _FIX)
    _only(group, _ASSERTION_KEYS, f"{where} ({kind})")
    value = _filled_in(group.get("value"), where, known)
    try:
        check = check_of(bare, value)
    except Unusable as error:
        raise _refused(f"{where} ({kind})", f"cannot be used: {error}", _FIX) from None
    return Assertion(check, negated, _number(group.get("weight", 1), f"{where}, weight"))


def _filled_in(value: Any, where: str, known: Mapping[str, str]) -> Any:
    """The value with `{{name}}` replaced by the test's variable. Raises DropError."""
    if isinstance(value, list):
        return [_filled_in(one, where, known) for one in value]
    if isinstance(value, dict):
        return {key: _filled_in(one, where, known) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith(("file://", "package:")):
        raise _refused(where, "reads another file, and none is read", "Write the value itself.")

    def variable(match: re.Match[str]) -> str:
        if match[1] not in known:
            fix = "Give it in the test's vars, or write the value."
            raise _refused(
                where, f"names the variable {shorten(match[1])}, which has no value", fix
            )
        return known[match[1]]

    if "{{" in _VARIABLE.sub("", value) or "{%" in value:
        raise _refused(where, "has a template that is not just {{name}}", "Write the value.")
    return _VARIABLE.sub(variable, value)


def _vars(group: Mapping[str, Any], where: str) -> dict[str, str]:
    given = _group(group.get("vars"), f"{where}, vars")
    for name, value in given.items():
        if not isinstance(value, str | int | float) or str(value).startswith("file://"):
            what = f"has {shorten(str(name))}, which is no plain value"
            raise _refused(f"{where}, vars", what, "Write the value itself.")
    return {str(name): _written(value) for name, value in given.items()}


def _written(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _group(given: Any, where: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _refused(where, "is no group of keys: no other file is read", "Write it out.")
    return given


def _only(group: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in map(str, group):
        if key in _CODE_KEYS:
            raise _refused(where, f"has {key}, which runs code", "Take it out.")
        if key not in known:
            what = f"has {shorten(key)}, which is not understood"
            raise _refused(where, what, "Take it out, or it would be passed over.")


def _number(given: Any, where: str, most: float = 1e6) -> float:
    whole = isinstance(given, int | float) and not isinstance(given, bool)
    if not whole or not math.isfinite(given) or not 0 <= given <= most:
        raise _refused(where, f"is no number from 0 to {most:,.0f}", "Correct it, or leave it out.")
    return float(given)


def _refused(where: str, what: str, fix: str) -> DropError:
    place = f", {where}:" if where else ""
    return DropError(f"The promptfoo file{place} {what.rstrip('.')}.", fix)
