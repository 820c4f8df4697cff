"""Does a value fit a JSON schema, and is that one? What does not, and what is not, as sentences.

Of JSON schema the keywords that tool definitions use are understood (type, properties, required,
additionalProperties, enum, const, items, minimum, maximum, anyOf); others are taken as kept. Knows
nothing of tools.

A value and a schema that were chosen for it can ask for more comparisons than both have characters
together, so every one is paid for with steps, and nothing is put into words before it is asked for.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.dataset.findings.quoting import quoted, shorten
from shared.dataset.reading.limits import Steps

CHECK = "comparing arguments with their schema"
COMPARED_AT_ONCE = 16  # simple values, within one step
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "null": (type(None),),
}


_MEANT = {  # as Python and others call the types → as JSON schema does
    **{"str": "string", "int": "integer", "float": "number", "double": "number"},
    **{"bool": "boolean", "list": "array", "dict": "object", "None": "null"},
}
_SHAPES: dict[str, tuple[type, ...]] = {  # of what stands under these keywords
    **dict.fromkeys(("properties", "$defs", "definitions"), (dict,)),
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf", "allOf"), (list,)),
    **dict.fromkeys(("items", "additionalProperties", "not"), (dict, bool, list)),
}


class _Place(NamedTuple):
    """Where a value is; a name only once somebody asks, for most values are right."""

    above: "_Place | None"
    step: str | int

    def __str__(self) -> str:
        names, place = [], self
        while place.above:
            step = place.step
            names.append(f"[{step}]" if isinstance(step, int) else f".{shorten(step)}")
            place = place.above
        return shorten("".join([str(place.step), *reversed(names)]), 200)


class _Mismatch(NamedTuple):
    place: _Place
    message: str  # with a place for each of the values
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.place} {self.message.format(*map(quoted, self.values))}."


def mismatches(value: Any, schema: Any, where: str, steps: Steps) -> Iterator[str]:
    """Raises limits.TooComplex."""
    yield from map(str, _mismatches(value, schema, _Place(None, where), steps))


def _mismatches(value: Any, schema: Any, place: _Place, steps: Steps) -> Iterator[_Mismatch]:
    steps.spend(1, CHECK)
    if not isinstance(schema, dict):
        return
    options = schema.get("anyOf")
    if isinstance(options, list) and not any(_fits(value, o, place, steps) for o in options):
        yield _Mismatch(place, "fits none of its alternatives: {}", (value,))
    if not _has_type(value, schema.get("type"), steps):
        wanted = schema["type"]
        if isinstance(wanted, str):  # one of _TYPES
            yield _Mismatch(place, f"is {{}}, not {wanted}", (value,))
        else:
            yield _Mismatch(place, "is {}, not one of {}", (value, wanted))
        return
    enum = schema.get("enum")
    if isinstance(enum, list) and not _is_among(value, enum, steps):
        yield _Mismatch(place, "is {}, not one of {}", (value, enum))
    if "const" in schema and not _is_among(value, [schema["const"]], steps):
        yield _Mismatch(place, "is {}, not {}", (value, schema["const"]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if _is_number(low) and _is_number(high) and not low <= value <= high:
            yield _Mismatch(place, "is {}, not between {} and {}", (value, low, high))
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _mismatches(item, schema["items"], _Place(place, index), steps)
    if isinstance(value, dict):
        yield from _members(value, schema, place, steps)


def _fits(value: Any, schema: Any, place: _Place, steps: Steps) -> bool:
    return next(_mismatches(value, schema, place, steps), None) is None


def _members(
    value: dict[str, Any], schema: dict[str, Any], place: _Place, steps: Steps
) -> Iterator[_Mismatch]:
    known = schema.get("properties")
    known = known if isinstance(known, dict) else {}
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    steps.spend((len(required) + len(value)) // COMPARED_AT_ONCE, CHECK)
    for name in required:
        if isinstance(name, str) and name not in value:
            yield _Mismatch(_Place(place, name), "is required and missing", ())
    for name, item in value.items():
        if name in known:
            yield from _mismatches(item, known[name], _Place(place, name), steps)
        elif schema.get("additionalProperties") is False:
            yield _Mismatch(_Place(place, name), "is not among the parameters", ())


def _is_among(value: Any, allowed: list[Any], steps: Steps) -> bool:
    """No comparison of two values takes more than the smaller of them has parts."""
    steps.spend(1 + (1 + len(allowed)) * _size(value) // COMPARED_AT_ONCE, CHECK)
    return value in allowed


def _size(value: Any) -> int:
    """Of simple values, and of stretches of text."""
    size, rest = 0, [value]
    while rest:
        value = rest.pop()
        size += 1 + (len(value) // 512 if isinstance(value, str) else 0)
        if isinstance(value, dict):
            rest += value.values()
            size += sum(map(len, value)) // 512
        elif isinstance(value, list):
            rest += value
    return size


def _has_type(value: Any, type: Any, steps: Steps) -> bool:
    names = type if isinstance(type, list) else [type]
    steps.spend(len(names) // COMPARED_AT_ONCE, CHECK)
    kinds = tuple(k for name in names if isinstance(name, str) for k in _TYPES.get(name, (object,)))
    if isinstance(value, bool) and bool not in kinds and object not in kinds:
        return not kinds
    return not kinds or isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


# ---- a schema by itself


def wrong_schema(schema: Any, where: str) -> Iterator[tuple[str, str | None]]:
    """What is wrong with a schema, each with its cure, if one is known."""
    rest = [(_Place(None, where), schema)]
    while rest:
        place, schema = rest.pop()
        if isinstance(schema, bool):
            continue
        if not isinstance(schema, dict):
            yield f"{place} is {quoted(schema)}, not a schema.", None
            continue
        yield from _wrong_type(schema.get("type"), place)
        for word, kinds in _SHAPES.items():
            if word in schema and not isinstance(schema[word], kinds):
                wanted = "a list" if list in kinds[:1] else "an object"
                yield f"{_Place(place, word)} is {quoted(schema[word])}, not {wanted}.", None
        rest += reversed(list(_schemas_within(schema, place)))


def _wrong_type(given: Any, place: _Place) -> Iterator[tuple[str, str | None]]:
    for name in given if isinstance(given, list) else [given]:
        if given is None or (isinstance(name, str) and name in _TYPES):
            continue
        meant = _MEANT.get(name) or name.lower() if isinstance(name, str) else None
        cure = f"Write {meant} for {shorten(name)}." if meant in _TYPES else None
        yield f"{_Place(place, 'type')} is {quoted(name)}, not {', '.join(_TYPES)}.", cure


def _schemas_within(schema: dict[str, Any], place: _Place) -> Iterator[tuple[_Place, Any]]:
    for word in _SHAPES:
        found, inner = schema.get(word), _Place(place, word)
        if word in ("properties", "$defs", "definitions") and isinstance(found, dict):
            yield from ((_Place(inner, name), one) for name, one in found.items())
        elif word in ("anyOf", "oneOf", "allOf", "items") and isinstance(found, list):
            yield from ((_Place(inner, number), one) for number, one in enumerate(found))
        elif word in ("items", "additionalProperties", "not") and isinstance(found, dict):
            yield inner, found
