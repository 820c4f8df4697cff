"""Files that have the same mistakes as another, many more times: for tests of how time grows."""

import json
from collections.abc import Callable
from typing import Any

Enlarge = Callable[[bytes, int], bytes]


def more_lines(line: bytes, times: int) -> bytes:
    return (line.rstrip(b"\n") + b"\n") * times


def longer(line: bytes, times: int) -> bytes:
    """One line: as bytes, for it may be no JSON."""
    return line.rstrip(b"\n") * times + b"\n"


def longer_texts(line: bytes, times: int) -> bytes:
    return _changed(line, lambda value: value * times if isinstance(value, str) else value)


def longer_lists(line: bytes, times: int) -> bytes:
    return _changed(line, lambda value: value * times if isinstance(value, list) else value, 1)


def longer_lists_within(line: bytes, times: int) -> bytes:
    """The innermost ones."""
    return _changed(line, lambda value: value * times if isinstance(value, list) else value, 2)


def more_keys(line: bytes, times: int) -> bytes:
    def add(value: Any) -> Any:
        if not isinstance(value, dict) or not value:
            return value
        last = list(value.values())[-1]
        return value | {f"key{number}": last for number in range(times)}

    return _changed(line, add, 1)


ENLARGE: tuple[Enlarge, ...] = (
    more_lines, longer, longer_texts, longer_lists, longer_lists_within, more_keys,
)  # fmt: skip


def _changed(line: bytes, change: Callable[[Any], Any], most: int = 1_000_000) -> bytes:
    """With up to `most` of its values changed, the outermost first; the line if there is none."""
    try:
        example = json.loads(line)
    except ValueError:
        return line
    left = [most]

    def go(value: Any) -> Any:
        changed = change(value) if left[0] else value
        if changed != value:
            left[0] -= 1
            return changed
        if isinstance(value, list):
            return [go(part) for part in value]
        if isinstance(value, dict):
            return {key: go(part) for key, part in value.items()}
        return value

    return json.dumps(go(example)).encode() + b"\n"
