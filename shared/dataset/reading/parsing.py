"""From the bytes of a line to an example, for lines that the fast path leaves.

Finds exactly what is wrong with a line as JSON. Knows nothing of what an example must hold.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec

from shared.dataset.findings.finding import PreviewRow, RawFinding
from shared.dataset.findings.quoting import around, quoted
from shared.dataset.reading.causes import EACH_ALONE, not_json
from shared.dataset.reading.examples import Example
from shared.dataset.reading.limits import (
    MOST_TEXT,
    MOST_UNREADABLE,
    TooComplex,
    refuse_many_pieces,
    refuse_much_text,
)

# The example, if the line holds one; what is wrong with its JSON; a preview of an error.
Parsed = tuple[Example | None, list[RawFinding], tuple[PreviewRow, ...]]

LIST = f"{EACH_ALONE[:-1]}, without the brackets and commas: `tunedrop convert` does it."
MANY_IN_ONE = (EACH_ALONE, LIST)  # cures of lines with more than one example
_decode = msgspec.json.Decoder().decode
# A text, or a key with its colon. One that is not closed goes to the end: none is read twice.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+(?:\s*+(:))?')
_HALF = re.compile(r"[\ud800-\udfff]")
WRONG_ENCODINGS = (  # what a file begins with that is no UTF-8 text
    (b"\x1f\x8b", "compressed", "gzip"),
    (b"PK\x03\x04", "compressed", "a ZIP archive"),
    (b"BZh", "compressed", "bzip2"),
    (b"\xfd7zXZ", "compressed", "xz"),
    (b"\x28\xb5\x2f\xfd", "compressed", "Zstandard"),
    (b"PAR1", "compressed", "Parquet"),
    (b"\xff\xfe\x00\x00", "utf16", "UTF-32"),
    (b"\xff\xfe", "utf16", "UTF-16"),
    (b"\xfe\xff", "utf16", "UTF-16"),
    (b"{\x00", "utf16", "UTF-16 without a byte order mark"),
    (b"\x00{", "utf16", "UTF-16 without a byte order mark"),
)


def wrong_encoding(start: bytes) -> RawFinding | None:
    """Is this the beginning of a file that is no UTF-8 text at all?"""
    for magic, id, encoding in WRONG_ENCODINGS:
        if start.startswith(magic):
            return RawFinding(id, f"The file is {encoding}, so its lines were not read.")
    return None


def parse(line: bytes) -> Parsed:
    """Raises limits.TooComplex."""
    refuse_many_pieces(line)
    try:
        value = _decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _parse_slowly(line)
    if len(line) > MOST_TEXT:
        refuse_much_text(filter(_is_text, _values(value)))
    findings = _duplicates(line) if count_keys(value) != keys_written(line) else []
    return _as_object(value, findings)


def _is_text(value: Any) -> bool:
    """An embedded image is none."""
    return isinstance(value, str) and not (value.startswith("data:") and value.isascii())


def keys_written(line: bytes) -> int:
    """How many keys the objects of a line have, those counted again that stand twice."""
    return _TEXT.findall(line).count(b":")


def _as_object(value: Any, findings: list[RawFinding]) -> Parsed:
    if isinstance(value, dict):
        return value, findings, ()
    fix = None
    if isinstance(value, str) and value.lstrip().startswith("{"):
        fix = "The example is written as a text: write the object itself, once through json.dumps."
    if isinstance(value, list) and isinstance(value[0] if value else None, dict):
        fix = None if "role" in value[0] else LIST
    message = f"The line is {quoted(value)}, not a JSON object."
    return None, [RawFinding("not-object", message, fix=fix)], ()


def _nothing(id: str, message: str, *shown: PreviewRow) -> Parsed:
    return None, [RawFinding(id, message)], shown


def _parse_slowly(line: bytes) -> Parsed:
    """A line that the strict reader refuses, read by one that says why and takes more memory."""
    _refuse_long(line)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"Byte {error.start + 1} of the line is 0x{line[error.start]:02X}"
        guess = around(line.decode("latin-1"), error.start)
        return _nothing("not-utf8", f"{message}, which is not UTF-8.", *guess)
    constants: list[str] = []
    try:
        value = json.loads(text, parse_constant=constants.append)
    except json.JSONDecodeError as error:
        return None, [not_json(text, error)], around(text, error.pos)
    except RecursionError:
        return _nothing("not-json", "The line is too deeply nested to be read.")
    except ValueError:  # a number of thousands of digits
        return _too_large()
    if any(isinstance(part, float) and math.isinf(part) for part in _values(value)):
        return _too_large()  # 1e999
    return _check_values(line, value, constants)


def _refuse_long(line: bytes) -> None:
    if len(line) > MOST_UNREADABLE:
        reason = "it is not plain JSON, and has more bytes than are read with more care"
        raise TooComplex(f"{reason} ({MOST_UNREADABLE:,})")


def _too_large() -> Parsed:
    return _nothing("not-a-number", "A number is larger than any that can be kept.")


def _check_values(line: bytes, value: Any, constants: list[str]) -> Parsed:
    """`constants` has NaN and its like, where they stood."""
    findings = _duplicates(line)
    if constants:
        message = f"A value is {constants[0]}, which JSON does not have."
        findings.append(RawFinding("not-a-number", message))
    if half := next(filter(None, map(_half, _values(value))), None):
        escape = f"\\u{ord(half):04x}"
        findings.append(
            RawFinding("lone-surrogate", f"The escape {escape} has lost its other half.")
        )
        value = _without_halves(value)
    if not findings:
        message = "The line holds something that strict readers refuse."
        findings.append(RawFinding("not-json", message))
    return _as_object(value, findings)


def _half(value: Any) -> str | None:
    """The first half of a character in a text."""
    found = _HALF.search(value) if isinstance(value, str) and not value.isascii() else None
    return found and found.group()


def _without_halves(value: Any) -> Any:
    """With a question mark for each. Raises RecursionError."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_halves(part) for part in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(part) for key, part in value.items()}
    return value


def _duplicates(line: bytes) -> list[RawFinding]:
    _refuse_long(line)
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(key for key in value if counts[key] > 1)
        return value

    json.loads(line, object_pairs_hook=note)
    return [RawFinding("duplicate-key", f"The key {quoted(key)} stands twice.") for key in repeated]


def count_keys(value: Any) -> int:
    """How many keys all objects have together; without recursion, for depth is up to others."""
    count, rest = 0, [value]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            count += len(value)
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return count


def _values(value: Any) -> Iterator[Any]:
    """All values and keys, in the order of the line; without recursion."""
    rest = [iter([value])]
    while rest:
        for value in rest[-1]:
            yield value
            if isinstance(value, dict):
                rest.append(chain.from_iterable(value.items()))
                break
            if isinstance(value, list):
                rest.append(iter(value))
                break
        else:
            rest.pop()
