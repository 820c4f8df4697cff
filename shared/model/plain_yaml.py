"""YAML of strangers as plain values: without aliases and tags, in bounded size and depth.

Values are read as promptfoo's own parser does (YAML 1.2): `yes` is a text, and so is a date.
"""

import re
from typing import Any

MOST_EVENTS = 50_000
DEEPEST = 32

_NUMBER = re.compile(r"[-+]?(?:\d{1,15}|(?:\d{1,15}\.\d{0,15}|\.\d{1,15})(?:[eE][-+]?\d{1,2})?)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STARTS = {"MappingStartEvent", "SequenceStartEvent"}
_ENDS = {"MappingEndEvent", "SequenceEndEvent"}


class NotPlain(Exception):
    """What is wrong with the file, as the end of a sentence that begins with its name."""


def load(data: bytes) -> Any:
    """The value of the one document; None for an empty file. Raises NotPlain."""
    import yaml  # the app should not wait for it when it starts

    try:
        return _value(_tokens(data))
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise NotPlain(f"is not YAML{line}") from None


def _tokens(data: bytes) -> list[Any]:
    """The events of the document, those first that come last."""
    import yaml

    found: list[Any] = []
    depth = 0
    for event in yaml.parse(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        kind = type(event).__name__
        if kind == "DocumentStartEvent" and found:
            raise NotPlain(f"has a second document in line {line}")
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise NotPlain(f"has an alias (&name, *name) in line {line}")
        if getattr(event, "tag", None):
            raise NotPlain(f"has a tag (!name) in line {line}")
        depth += (kind in _STARTS) - (kind in _ENDS)
        if depth > DEEPEST or len(found) > MOST_EVENTS:
            raise NotPlain(f"is too deep or too long at line {line}")
        if kind in _STARTS | _ENDS | {"ScalarEvent"}:
            found.append(event)
    return found[::-1]


def _value(events: list[Any]) -> Any:
    if not events:
        return None
    event = events.pop()
    match type(event).__name__:
        case "ScalarEvent":
            return _scalar(event)
        case "SequenceStartEvent":
            return _list(events)
    return _mapping(events)


def _list(events: list[Any]) -> list[Any]:
    found = []
    while type(events[-1]).__name__ != "SequenceEndEvent":
        found.append(_value(events))
    events.pop()
    return found


def _mapping(events: list[Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    while type(events[-1]).__name__ != "MappingEndEvent":
        event = events.pop()
        if type(event).__name__ != "ScalarEvent":
            raise NotPlain(f"has a key that is no name in line {event.start_mark.line + 1}")
        if event.value in found:
            raise NotPlain(f"has a key twice in line {event.start_mark.line + 1}")
        found[event.value] = _value(events)
    events.pop()
    return found


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if event.style:
        return text  # it is quoted, or a block
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    return text
