"""From the bytes of a line to an example: the careful way, for lines that are not plain.

Says precisely what is wrong with a line as JSON. Knows nothing of what an example must hold.
"""

import json
import re
from collections import Counter
from typing import Any

import msgspec

from shared.dataset.examples import Example, Fault, Row
from shared.dataset.quoting import around, shorten

_decode = msgspec.json.Decoder().decode
_KEY = re.compile(rb'(?<!\\)"\s*:')
_NO_JSON = (  # how a line looks that is something else → what to do
    (re.compile(r"[\[{\s]++$"), "The file looks like one JSON value spread over many lines: "
     "write each example on one line."),
    (re.compile(r"\s*[\[{(]\s*'"), "This is how Python prints it: write it with json.dumps."),
    (re.compile(r"\s*<"), "This is HTML or XML, perhaps a page that asks to sign in: fetch the "
     "file again."),
)  # fmt: skip
WRONG_ENCODINGS = (  # what a file begins with that is no UTF-8 text
    (b"\x1f\x8b", "compressed", "gzip"),
    (b"PK\x03\x04", "compressed", "a ZIP archive"),
    (b"BZh", "compressed", "bzip2"),
    (b"\xfd7zXZ", "compressed", "xz"),
    (b"\x28\xb5\x2f\xfd", "compressed", "Zstandard"),
    (b"\xff\xfe\x00\x00", "utf16", "UTF-32"),
    (b"\xff\xfe", "utf16", "UTF-16"),
    (b"\xfe\xff", "utf16", "UTF-16"),
    (b"{\x00", "utf16", "UTF-16 without a byte order mark"),
    (b"\x00{", "utf16", "UTF-16 without a byte order mark"),
)


def wrong_encoding(start: bytes) -> Fault | None:
    """Is this the beginning of a file that is no UTF-8 text at all?"""
    for magic, id, what in WRONG_ENCODINGS:
        if start.startswith(magic):
            return Fault(id, f"The file is {what}, so its lines were not read.")
    return None


def read(line: bytes) -> tuple[Example | None, list[Fault], tuple[Row, ...]]:
    """The example, if the line holds one; what is wrong with its JSON; a preview of an error."""
    try:
        value = _decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _read_slowly(line)
    faults = _duplicates(line) if count_keys(value) != keys_written(line) else []
    return _as_object(value, faults)


def keys_written(line: bytes) -> int:
    """How many keys the objects of a line have, those counted again that stand twice."""
    return len(_KEY.findall(line))


def _as_object(
    value: Any, faults: list[Fault]
) -> tuple[Example | None, list[Fault], tuple[Row, ...]]:
    if isinstance(value, dict):
        return value, faults, ()
    return None, [Fault("not-object", f"The line is {shorten(value)}, not a JSON object.")], ()


def _read_slowly(line: bytes) -> tuple[Example | None, list[Fault], tuple[Row, ...]]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"Byte {error.start + 1} of the line is 0x{line[error.start]:02X}"
        guess = line.decode("latin-1")
        fault = Fault("not-utf8", f"{byte}, which is not UTF-8.")
        return None, [fault], around(guess, error.start)
    strange: list[str] = []
    try:
        value = json.loads(text, parse_constant=lambda name: strange.append(name))
        whole = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except json.JSONDecodeError as error:
        told = error.msg.removesuffix(" at")
        what = f"The line is not JSON: {told} at column {error.colno}."
        fix = next((fix for start, fix in _NO_JSON if start.match(text)), None)
        return None, [Fault("not-json", what, fix=fix)], around(text, error.pos)
    except RecursionError:
        return None, [Fault("not-json", "The line is too deeply nested to be read.")], ()
    except ValueError:  # 1e999, or a number of thousands of digits
        return None, [Fault("not-a-number", "A number is larger than any that can be kept.")], ()
    faults = _duplicates(line)
    if strange:
        faults.append(Fault("not-a-number", f"A value is {strange[0]}, which JSON does not have."))
    try:
        whole.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(whole[error.start]):04x}"
        faults.append(Fault("lone-surrogate", f"The escape {half} has lost its other half."))
        value = json.loads(whole.encode("utf-8", "replace"))
    if not faults:
        faults.append(Fault("not-json", "The line holds something that strict readers refuse."))
    return _as_object(value, faults)


def _duplicates(line: bytes) -> list[Fault]:
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.extend(key for key in found if counts[key] > 1)
        return found

    json.loads(line, object_pairs_hook=look)
    return [Fault("duplicate-key", f"The key {shorten(key)!r} stands twice.") for key in twice]


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
