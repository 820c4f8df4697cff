"""Does a value fit a JSON schema? What does not, as sentences.

Of JSON schema the keywords that tool definitions use are understood (type, properties, required,
additionalProperties, enum, const, items, minimum, maximum, anyOf); others are taken as kept. Knows
nothing of tools.
"""

from collections.abc import Iterator
from typing import Any

from shared.dataset.findings.quoting import shorten

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "null": (type(None),),
}


def mismatches(value: Any, schema: Any, where: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    options = schema.get("anyOf")
    if isinstance(options, list) and not any(not [*mismatches(value, o, where)] for o in options):
        yield f"{where} fits none of its alternatives: {shorten(value)}."
    if not _has_type(value, schema.get("type")):
        yield f"{where} is {shorten(value)}, not {shorten(schema['type'])}."
        return
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        yield f"{where} is {shorten(value)}, not one of {shorten(schema['enum'])}."
    if "const" in schema and value != schema["const"]:
        yield f"{where} is {shorten(value)}, not {shorten(schema['const'])}."
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if _is_number(low) and _is_number(high) and not low <= value <= high:
            yield f"{where} is {value}, not between {low} and {high}."
    if isinstance(value, list):
        for index, item in enumerate(value[:100]):
            yield from mismatches(item, schema.get("items"), f"{where}[{index}]")
    if isinstance(value, dict):
        yield from _members(value, schema, where)


def _members(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    known = schema.get("properties")
    known = known if isinstance(known, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in value:
            yield f"{where}.{shorten(name)} is required and missing."
    for name, item in value.items():
        if name in known:
            yield from mismatches(item, known[name], f"{where}.{shorten(name)}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}.{shorten(name)} is not among the parameters."


def _has_type(value: Any, type: Any) -> bool:
    names = type if isinstance(type, list) else [type]
    kinds = tuple(k for name in names if isinstance(name, str) for k in _TYPES.get(name, (object,)))
    if isinstance(value, bool) and bool not in kinds and object not in kinds:
        return not kinds
    return not kinds or isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
