"""Why a line is not JSON: the cause of a parser's complaint, and the cure for that cause.

A parser complains where it can go on no longer; what has to be changed is mostly before that place.
Knows one line; what is wrong with a file of such lines is in `foreign`.
"""

import json
import re
from typing import NamedTuple

from shared.dataset.findings.finding import RawFinding

_WORD_QUOTES = "“”„‟‘’‚‛«»"
_PYTHON = re.compile(r"\A\s*+[\[{(]\s*+'")
_WORDS = {  # as Python, JavaScript or pandas write them → as JSON has them
    "True": "true",
    "False": "false",
    **dict.fromkeys(("None", "undefined", "nan"), "null"),
}
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,40}")
EACH_ALONE = "Write each object on a line of its own."
_SPACE = " \t\r\n"
_LATE = re.compile(r'[^{]{1,100}(?=\{\s*+"|\{\Z)')  # what stands before an object
_REMARK = re.compile(r"\A\s*+(?:```|(?:#|//|<{7}|={7}|>{7})[^{]*+\Z)")
_INVISIBLE = re.compile(r"[\s\u200b\u2060\ufeff]++")


class _Place(NamedTuple):
    """A line, where the parser stopped in it, and what it wanted there."""

    text: str
    at: int
    wanted: str

    @property
    def here(self) -> str:
        return self.text[self.at : self.at + 1]

    @property
    def before(self) -> int:
        """Where the last character before stands that is no space; -1 if there is none."""
        return len(self.text[: self.at].rstrip(_SPACE)) - 1


class _Cause(NamedTuple):
    """`wrong` names the place, `cure` does not, so that one cause in many lines has one cure."""

    wrong: str
    cure: str


def not_json(text: str, error: json.JSONDecodeError) -> RawFinding:
    reason = error.msg.removesuffix(" at")
    message = f"The line is not JSON: {reason} at column {error.colno}."
    if _PYTHON.match(text):
        fix = "This is how Python prints it: write it with json.dumps."
        return RawFinding("not-json", message, fix=fix)
    place = _Place(text, error.pos, error.msg)
    if cause := next(filter(None, (look(place) for look in _LOOKS)), None):
        return RawFinding("not-json", f"{message} {cause.wrong}", fix=cause.cure)
    return RawFinding("not-json", message)


def _column(at: int) -> str:
    return f"column {at + 1}"


def _word_quotes(place: _Place) -> _Cause | None:
    if not place.here or place.here not in _WORD_QUOTES:
        return None
    wrong = f"The quote in {_column(place.at)} is {place.here}, as word processors write it."
    return _Cause(wrong, 'Write " for these quotes, outside of texts.')


def _no_example(place: _Place) -> _Cause | None:
    """A comment, a fence, or a mark of a conflict that git has left."""
    if not _REMARK.match(place.text):
        return None
    return _Cause("The line is a remark, not JSON.", "Remove the line.")


def _begins_late(place: _Place) -> _Cause | None:
    """Something stands before the object: a number, a time, a prefix of a stream of events."""
    found = _LATE.match(place.text)
    if not found or place.at > found.end() + 2 or not found.group().strip(_SPACE):
        return None
    before, wrong = found.group(), f"The object begins in {_column(found.end())}"
    if before.strip() == '"':
        cure = 'Write each object without quotes around it, and " for each "".'
        return _Cause(f"{wrong}, within the quotes of a cell (CSV).", cure)
    if before.strip() in ("b'", 'b"'):
        return _Cause(f"{wrong}: so Python prints bytes.", "Decode the bytes, and write the text.")
    if _INVISIBLE.fullmatch(before):
        codes = " ".join(f"U+{ord(char):04X}" for char in before[:5] if char not in _SPACE)
        return _Cause(f"{wrong}, after {codes}, which nobody sees.", "Remove that character.")
    if any(sign in before for sign in '["'):
        return None
    return _Cause(f"{wrong}.", "Remove what stands before the object.")


def _more_than_one(place: _Place) -> _Cause | None:
    kind = {"{": "object", "[": "list"}.get(place.text.lstrip(_SPACE)[:1])
    if not kind or not place.wanted.startswith("Extra data"):
        return None
    rest, here = place.text[place.at :].strip(), _column(place.at)
    if rest == ",":
        wrong = f"There is a comma after the {kind}, in {here}."
        return _Cause(wrong, "Remove the comma: lines are not joined by commas.")
    if rest.lstrip("," + _SPACE).startswith("{"):
        wrong = f"Another object follows, from {here} on."
        return _Cause(wrong, EACH_ALONE)
    return _Cause(f"The {kind} ends before {here}.", f"Remove what stands after the {kind}.")


def _in_a_text(place: _Place) -> _Cause | None:
    here = _column(place.at)
    if place.wanted.startswith("Invalid control character"):
        control = json.dumps(place.here)[1:-1]
        cure = "Escape control characters in texts: \\t for a tab, \\n for a line feed."
        return _Cause(f"There is a {control} in a text, in {here}.", cure)
    if "escape" in place.wanted:
        cure = "Double the backslash: write \\\\ for \\."
        return _Cause(f"What follows the backslash in {here} is no escape.", cure)
    if place.wanted.startswith("Unterminated string"):
        cure = "Close the text, and write \\n for each line break in it."
        return _Cause(f"The text that begins in {here} has no end in this line.", cure)
    return None


def _comma(place: _Place) -> _Cause | None:
    """One too many before a bracket, or one that is missing."""
    closes = place.text[place.at :].lstrip("," + _SPACE)[:1] if place.here == "," else place.here
    before = place.text[place.before : place.before + 1] if place.before >= 0 else ""
    if closes and closes in "]}" and "," in (before, place.here):
        comma = place.at if place.here == "," else place.before
        wrong = f"Nothing follows the comma in {_column(comma)}."
        return _Cause(wrong, "Remove the comma before the bracket.")
    if place.wanted.startswith("Expecting ',' delimiter") and place.here and place.here in '"{[':
        return _Cause(f"A comma is missing before {_column(place.at)}.", "Put a comma there.")
    return None


def _inner_quote(place: _Place) -> _Cause | None:
    """A text seems to end in the middle, for a quote in it is not escaped."""
    delimiter = place.wanted.startswith("Expecting ',' delimiter")
    delimiter |= place.wanted.startswith("Expecting ':' delimiter") and place.here.isalpha()
    if not delimiter or not place.here or place.before < 0 or place.text[place.before] != '"':
        return None
    wrong = f"The quote in {_column(place.before)} is not escaped."
    return _Cause(wrong, 'Escape the quote: write \\" for a quote within a text.')


def _word(place: _Place) -> _Cause | None:
    here, word = _column(place.at), _WORD.match(place.text, place.at)
    if place.here == "'":
        return _Cause(f"There is a single quote in {here}.", "Write double quotes around texts.")
    if not word or place.before < 0:
        return None
    if place.wanted.startswith("Expecting property name"):
        return _Cause(f"The key in {here} has no quotes.", "Put keys in double quotes.")
    if place.wanted.startswith("Expecting value") and word.group() in _WORDS:
        wrong = f"JSON has no {word.group()}, as in {here}."
        return _Cause(wrong, f"Write {_WORDS[word.group()]} for {word.group()}.")
    if place.wanted.startswith("Expecting value"):
        return _Cause(f"The text in {here} has no quotes.", "Put texts in double quotes.")
    return None


def _cut_off(place: _Place) -> _Cause | None:
    if place.at < len(place.text.rstrip(_SPACE)) or place.text.lstrip(_SPACE)[:1] not in ("{", "["):
        return None
    return _Cause("The line ends before its object does.", "Write the whole example on one line.")


_LOOKS = (
    _no_example,
    _begins_late,
    _word_quotes,
    _more_than_one,
    _in_a_text,
    _comma,
    _inner_quote,
    _word,
    _cut_off,
)
