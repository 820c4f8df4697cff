"""Reads a run.yaml: from bytes to keys and plain values, each key with its line.

Only what such a file needs of YAML: keys, keys within a key, single values. Everything else (lists,
aliases, tags, keys twice) is refused by its line, as soon as it is met: the parser is asked for one
event after the other, so a file that cannot be a run.yaml is not read to its end. Knows YAML, not
which keys there are.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.dataset.privacy import mask
from shared.errors import DropError

if TYPE_CHECKING:
    import yaml

LARGEST = 64_000  # bytes
MOST_EVENTS = 200  # a run.yaml with every key has about forty
DEEPEST = 2  # keys, and keys within a key
LONGEST_NUMBER = 40  # characters; Python itself refuses to read very long ones
FIX = "Correct run.yaml and drop it again."

# Plain values as YAML 1.2 reads them: `no` is a text, `010` is ten, and a date is a text.
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)")

# By its name, as in a connection string or a signed address; `privacy` knows secrets by their form.
_NAMED_SECRET = re.compile(r"((?:key|password|pwd|secret|sig|token)=)[^\s;&'\"]{8,}", re.IGNORECASE)


class Asked(NamedTuple):
    """`lines` has the line of each key, of inner ones as `outer.inner`."""

    values: dict[str, Any]
    lines: dict[str, int]


def read(run_yaml: bytes) -> Asked:
    """The keys and values of a run.yaml. Raises DropError that names the line."""
    check_size(len(run_yaml))
    asked = Asked({}, {})
    events = _events(run_yaml)
    for event in events:
        _check_plain(event)
        match type(event).__name__:
            case "MappingStartEvent":
                asked.values.update(_mapping(events, asked.lines, ""))
            case "ScalarEvent" if _value(event) is None:
                pass  # a file of comments
            case "DocumentStartEvent" if asked.values:
                raise _refused(event, "a second document begins")
            case "ScalarEvent" | "SequenceStartEvent" | "AliasEvent":
                raise DropError("run.yaml holds no keys.", "Write lines like `base_model: NAME`.")
    return asked


def check_size(size: int) -> None:
    """Raises DropError; to be asked before the bytes are read."""
    if size > LARGEST:
        raise DropError(f"run.yaml has {size:,} bytes.", f"At most {LARGEST:,} are read.")


def shown(value: object, most: int = 60) -> str:
    """A value as a message quotes it: masked, short, without control characters."""
    if isinstance(value, dict):
        return "a group of keys"
    masked = _NAMED_SECRET.sub(r"\1[a secret]", mask(str(value)))
    if isinstance(value, str):
        return repr(masked) if len(masked) <= most else f"{masked[:most]!r}…"
    return masked[:most]


def _events(run_yaml: bytes) -> "Iterator[yaml.Event]":
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for number, event in enumerate(yaml.parse(run_yaml, Loader=loader)):
            if number == MOST_EVENTS:
                raise _refused(event, "there is more than all keys together need")
            yield event
    except (yaml.YAMLError, UnicodeError) as error:
        raise DropError(f"run.yaml is not YAML{_where(error, run_yaml)}.", FIX) from None


def _where(error: Exception, run_yaml: bytes) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f" in line {mark.line + 1}"
    at = getattr(error, "position", None)  # of a byte that no text has
    if not isinstance(at, int):
        return ""
    line = run_yaml.count(b"\n", 0, at) + 1
    return f" in line {line}"


def _mapping(events: "Iterator[yaml.Event]", lines: dict[str, int], outer: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if type(event).__name__ == "MappingEndEvent":
            break
        key = _key(event)
        name = f"{outer}{key}"
        if key in found:
            first = f"the key {shown(key)} is there twice, first in line {lines[name]}"
            raise _refused(event, first)
        lines[name] = _line(event)
        found[key] = _inner(next(events), events, lines, f"{name}.")
    return found


def _inner(
    event: "yaml.Event", events: "Iterator[yaml.Event]", lines: dict[str, int], outer: str
) -> Any:
    """The value that begins with this event."""
    _check_plain(event)
    match type(event).__name__:
        case "ScalarEvent":
            return _value(event)
        case "MappingStartEvent" if outer.count(".") < DEEPEST:
            return _mapping(events, lines, outer)
        case "MappingStartEvent":
            raise _refused(event, "keys are nested too deeply")
    raise _refused(event, "there is a list; every value is a single one")


def _key(event: "yaml.Event") -> str:
    _check_plain(event)
    if type(event).__name__ != "ScalarEvent":
        raise _refused(event, "a key is not a name")
    return str(event.value)  # type: ignore[attr-defined]


def _check_plain(event: "yaml.Event") -> None:
    if type(event).__name__ == "AliasEvent" or getattr(event, "anchor", None):
        raise _refused(event, "aliases (&name, *name) are not known here")
    if tag := getattr(event, "tag", None):
        raise _refused(event, f"the tag {shown(tag)} is not known here")


def _value(event: Any) -> Any:
    text = str(event.value)
    if event.style or len(text) > LONGEST_NUMBER:
        return text  # it is quoted, or no number that anything here takes
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _NOT_FINITE.fullmatch(text) else text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refused(event: "yaml.Event", what: str) -> DropError:
    return DropError(f"run.yaml, line {_line(event)}: {what}.", FIX)
