"""The kinds of assertions that are understood, as promptfoo means them: whether a text passes.

Regular expressions are Rust's (of pydantic): their time grows with the text's length, whatever the
pattern. Knows texts, not the file that asserts something of them (`assertions`).
https://www.promptfoo.dev/docs/configuration/expected-outputs/deterministic/
"""

import csv
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

from shared.dataset.checks.json_schema import mismatches, wrong_schema
from shared.dataset.reading.limits import Steps, TooComplex
from shared.model import json_fields
from shared.model.plain_yaml import NotPlain, load

Check = Callable[[str], bool]

MAX_CHARS = 20_000  # of an answer that is searched by a regular expression
MAX_PATTERN = 500  # characters of one
MAX_REPEATED = 1_000  # times that a part of one may be asked for; they multiply
MAX_VALUES = 100  # of a list

# What of JSON schema is checked, or says nothing about a value.
_KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "enum", "const", "items"),
    *("minimum", "maximum", "anyOf", "title", "description", "default", "examples"),
    *("$schema", "$id", "$comment"),
}
_COUNTS = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class Unusable(Exception):
    """A value that this kind of assertion cannot have; the message says why."""


def check_of(kind: str, value: Any) -> Check:
    """The check for an assertion of a kind of KINDS, without `not-`. Raises Unusable."""
    return KINDS[kind](value)


def _equals(value: Any) -> Check:
    if isinstance(value, dict | list):
        expected = json_fields.fields(_through_json(value))
        return lambda text: json_fields.document(text) == expected
    wanted = _text(value)
    return lambda text: _same(text) == wanted


def _starts_with(value: Any) -> Check:
    start = _text(value)
    return lambda text: _same(text).startswith(start)


def _contains(value: Any) -> Check:
    part = _text(value)
    return lambda text: part in _same(text)


def _contains_any(value: Any) -> Check:
    parts = _texts(value)
    return lambda text: any(part in _same(text) for part in parts)


def _contains_all(value: Any) -> Check:
    parts = _texts(value)
    return lambda text: all(part in _same(text) for part in parts)


def _whatever_case(make: Callable[[Any], Check]) -> Callable[[Any], Check]:
    def made(value: Any) -> Check:
        texts = [_lower(one) for one in value] if isinstance(value, list) else _lower(value)
        check = make(texts)
        return lambda text: check(_lower(text))

    return made


def _regex(value: Any) -> Check:
    pattern = _text(value)
    if len(pattern) > MAX_PATTERN or _repeated(pattern) > MAX_REPEATED:
        raise Unusable(
            f"its pattern has more than {MAX_PATTERN} characters, or repeats a part more than "
            f"{MAX_REPEATED:,} times"
        )
    schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
    try:
        searched = SchemaValidator(schema)
    except SchemaError:
        raise Unusable(
            "its pattern is none whose time is bounded: no look-around, no back-references"
        ) from None
    return lambda text: searched.isinstance_python(_same(text)[:MAX_CHARS])


def _repeated(pattern: str) -> int:
    """How often the parts of a pattern are asked for by counts, if all stood within one another."""
    product = 1
    for least, most in _COUNTS.findall(pattern):
        product *= max(int((most or least)[:9]), 1)
    return product


def _is_json(value: Any) -> Check:
    if value in (None, ""):
        return _parses
    schema = _through_json(_written_out(value))
    if not isinstance(schema, dict):
        raise Unusable("its value is no JSON schema")
    for wrong in _wrong_with(schema):
        raise Unusable(f"its schema cannot be used: {wrong}")
    return lambda text: _fits(text, schema)


def _written_out(schema: Any) -> Any:
    """A schema may be given as a text in YAML or JSON. Raises Unusable."""
    try:
        return load(schema.encode()) if isinstance(schema, str) else schema
    except NotPlain as error:
        raise Unusable(f"its schema {error}") from None


def _parses(text: str) -> bool:
    try:
        json_fields.fields(json_fields.parse(text))
    except json_fields.NotJson:
        return False
    return True


def _fits(text: str, schema: dict[str, Any]) -> bool:
    try:
        value = json_fields.parse(text)
        json_fields.fields(value)  # no deeper than the comparison can go
        return next(mismatches(value, schema, "answer", Steps()), None) is None
    except (json_fields.NotJson, TooComplex):
        return False


def _wrong_with(schema: dict[str, Any]) -> list[str]:
    """A keyword that is not understood would be an assertion that nothing checks."""
    found = [sentence for sentence, _ in wrong_schema(schema, "schema")]
    rest: list[Any] = [schema]
    while rest:
        one = rest.pop()
        if not isinstance(one, dict):
            continue
        found += [
            f"{word!r} is not understood" for word in sorted(map(str, one.keys() - _KEYWORDS))
        ]
        properties = one.get("properties")
        rest += properties.values() if isinstance(properties, dict) else []
        rest += one["anyOf"] if isinstance(one.get("anyOf"), list) else []
        rest += [one.get("items"), one.get("additionalProperties")]
    return found


KINDS: dict[str, Callable[[Any], Check]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _whatever_case(_contains),
    "contains-any": _contains_any,
    "contains-all": _contains_all,
    "icontains-any": _whatever_case(_contains_any),
    "icontains-all": _whatever_case(_contains_all),
    "starts-with": _starts_with,
    "regex": _regex,
    "is-json": _is_json,
}


def _through_json(value: Any) -> Any:
    """A value of YAML as the one of JSON that it is. Raises Unusable."""
    try:
        parsed = json_fields.parse(json.dumps(value))
        json_fields.fields(parsed)
    except (json_fields.NotJson, TypeError, ValueError, RecursionError):
        raise Unusable("its value is none of JSON") from None
    return parsed


def _text(value: Any) -> str:
    """Raises Unusable for no value, an empty one, or a group of values."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float) or value == "":
        raise Unusable("it has no value")
    return _same(str(value))


def _texts(value: Any) -> list[str]:
    """A list, or a text with commas (a value with one in quotes). Raises Unusable."""
    listed = _separated(value) if isinstance(value, str) else value
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_VALUES:
        raise Unusable(f"it has no list of 1 to {MAX_VALUES} values")
    return [_text(one) for one in listed]


def _separated(text: str) -> list[str]:
    """Raises Unusable."""
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    except csv.Error:
        raise Unusable("its values with commas cannot be told apart") from None
    return [part.strip() for row in rows for part in row]


def _lower(value: Any) -> Any:
    return _same(value).lower() if isinstance(value, str) else value


def _same(text: str) -> str:
    return unicodedata.normalize("NFC", text)
