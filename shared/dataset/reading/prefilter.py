"""Which lines of a block need to be searched? Asked of all its bytes at once.

Certain only where the answer is no. Knows bytes and lines, neither JSON nor messages.
"""

import string
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.dataset import privacy

Kinds = npt.NDArray[np.uint8]  # one for each line of the block; 0 is a certain no
Counts = npt.NDArray[Any]  # whole numbers

MOST = 1 << 20  # bytes; a block has half of that, or one line that is longer
LONG_WORD = 20  # nearly every key and token is a run of so many letters, digits, _ and -
_BEGINNINGS = (b"sk", b"rk", b"pk", b"gh", b"gi", b"AK", b"AS", b"AI", b"xo", b"hf", b"ey", b"td")
_BEGINS = np.zeros(1 << 16, np.bool_)  # by two characters
_BEGINS[[int.from_bytes(two) for two in _BEGINNINGS]] = True
_IN_WORDS = f"-_{string.digits}{string.ascii_letters}".encode()
_WORD = np.zeros(256, np.bool_)
_WORD[list(_IN_WORDS)] = True
EVERY = privacy.SECRET + privacy.ADDRESS + privacy.NUMBER
_OPENS = np.zeros(256, np.bool_)  # what may stand before the quote with which a text begins
_OPENS[list(b" \t\r\n:[{,")] = True
_SEPARATES = np.zeros(256, np.bool_)  # two digits of a number, three at the most
_SEPARATES[list(b" ().+/_-\\")] = True  # and a slash that is written with a backslash
_SEPARATES[list("\u00a0\u2007\u2009\u202f\u2010\u2011\u2013".encode())] = True


class Prefilter:
    """Of lines with more bytes than MOST it says nothing: its arrays have eight for each."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        sizes = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
        self._starts = np.cumsum(sizes) - sizes
        self._unknown = len(lines) if sizes.sum() > MOST else 0
        # A line feed before each line, and room to look after the last.
        self._data = b"" if self._unknown else b"\n".join([b"", *lines, b"    "])
        self._bytes = np.frombuffer(self._data, np.uint8)

    def key_counts(self) -> Counts:
        """How many keys the objects of each line have together, if no more than one space stands
        between a key and its colon, no key ends with a backslash, a space or a sign of JSON, and no
        text begins with a colon; -1 where it may be otherwise. Never too few: a key that is there
        twice must not be made up for by one not counted."""
        if self._unknown:
            return np.full(self._unknown, -1)
        colons = np.flatnonzero(self._bytes[2:] == ord(":")) + 2
        before, earlier = self._bytes[colons - 1], self._bytes[colons - 2]
        quoted = before == ord('"')
        ends = colons[quoted & (earlier != ord("\\"))]
        counts = np.diff(np.searchsorted(ends, self._starts), append=len(ends))
        apart = (before <= ord(" ")) & ((earlier <= ord(" ")) | (earlier == ord('"')))
        twice = (earlier == ord("\\")) & (self._bytes[colons - 3] == ord("\\"))
        counts[self._owners(colons[apart | (quoted & (twice | _OPENS[earlier]))])] = -1
        return counts

    def private_kinds(self) -> Kinds:
        """What kinds of private data there may be: SECRET, ADDRESS and NUMBER, added up."""
        if self._unknown:
            return np.full(self._unknown, EVERY, np.uint8)
        found = np.zeros(len(self._starts), np.uint8)
        found[self._owners(np.flatnonzero(self._bytes == ord("@")))] |= privacy.ADDRESS
        found[self._owners(self._long_numbers())] |= privacy.NUMBER
        found[self._owners(self._long_keys())] |= privacy.SECRET
        found[self._owners(self._named_keys())] |= privacy.SECRET
        found[self._owners(self._escaped())] = EVERY
        return found

    def odd_texts(self) -> Kinds:
        """May there be anything but plain printable text: in texts that are not ASCII (1), or in
        any, by an escape (2)?"""
        if self._unknown:
            return np.full(self._unknown, 2, np.uint8)
        highest = np.maximum.reduceat(self._bytes, self._starts)
        found = (highest >= 0x80).astype(np.uint8)
        kinds = self._bytes[self._escapes + 1]
        odd = (kinds == ord("u")) | (kinds == ord("b")) | (kinds == ord("f"))
        found[self._owners(self._escapes[odd])] = 2
        found[self._owners(np.flatnonzero(self._bytes == 0x7F))] = 2
        return found

    def special_tokens(self) -> Kinds:
        """May one stand in the line, written without escapes? Of those `odd_texts` tells."""
        if self._unknown:
            return np.full(self._unknown, 1, np.uint8)
        found = np.zeros(len(self._starts), np.uint8)
        bars = np.flatnonzero(self._bytes == ord("|"))
        found[self._owners(bars[self._bytes[bars - 1] == ord("<")])] = 1
        return found

    @cached_property
    def _escapes(self) -> Counts:
        """Where backslashes are."""
        return np.flatnonzero(self._bytes == ord("\\"))

    def _long_numbers(self) -> Counts:
        """Where 8 digits begin that belong together: every number that is looked for has them."""
        digits = np.flatnonzero(self._bytes - np.uint8(ord("0")) < 10)
        apart = np.diff(digits)
        together = apart <= 4
        for step in (1, 2, 3):
            together &= (apart <= step) | _SEPARATES[self._bytes[digits[:-1] + step]]
        for shift in (1, 2, 3):  # runs of 2, 4 and then 7 distances
            together = together[shift:] & together[:-shift]
        begins: Counts = digits[: len(together)][together]
        return begins

    def _long_keys(self) -> Counts:
        """Where a long word may be a key, by the two characters that it begins with."""
        run = self._bytes >= min(_IN_WORDS)  # of more than words: that is quickly asked
        for shift in (1, 2, 4, 8, LONG_WORD - 16):  # runs of 2, 4, 8, 16 and then 20
            run = run[shift:] & run[:-shift]
        long = np.flatnonzero(run)
        pairs = self._bytes[long].astype(np.uint16) << 8 | self._bytes[long + 1]
        long = long[_BEGINS[pairs]]
        words = _WORD[self._bytes[long[:, np.newaxis] + np.arange(LONG_WORD)]]
        keys: Counts = long[words.all(axis=1)]
        return keys

    def _named_keys(self) -> Counts:
        """PRIVATE KEY-----, AccountKey=: what belongs to these may have signs of other kinds."""
        k = np.flatnonzero(self._bytes[:-3] == ord("K"))
        y, after = self._bytes[k + 2], self._bytes[k + 3]
        block = (y == ord("Y")) & (after == ord(" "))  # PRIVATE KEY BLOCK-----
        signs = (after == ord("-")) | (after == ord("="))
        named: Counts = k[block | ((y | np.uint8(0x20)) == ord("y")) & signs]
        return named

    def _escaped(self) -> Counts:
        """Where an escape may stand for a letter, digit or sign of ASCII, or for a space that
        separates digits: \\u0040, \\u00a0, \\u202f."""
        at = self._escapes[self._bytes[self._escapes + 1] == ord("u")]
        first, second, third, fourth = (self._bytes[at + step] for step in range(2, 6))
        ascii = (second == ord("0")) & (third >= ord("2")) & (third <= ord("7"))
        space = (second == ord("0")) & ((third | np.uint8(0x20)) == ord("a")) & (fourth == ord("0"))
        high = first == ord("2")
        low = first == ord("0")
        found: Counts = at[(low & (ascii | space)) | (high & (second == ord("0")))]
        return found

    def _owners(self, places: Counts) -> Counts:
        """The lines of places."""
        return np.searchsorted(self._starts, places, "right") - 1
