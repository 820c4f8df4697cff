"""A glance at the bytes of a block of lines, all at once: which lines may hold what.

It answers for every line whether the precise look at its text can be spared, and is certain only
where it says no. Knows bytes and lines, neither JSON nor messages.
"""

import re

import numpy as np
import numpy.typing as npt

Lines = npt.NDArray[np.bool_]  # one for each line of the block
Counts = npt.NDArray[np.int64]

LONG_WORD = 20  # nearly every key and token is a run of so many letters, digits, _ and -
_BEGINNINGS = ("sk", "rk", "pk", "gh", "gi", "AK", "AS", "AI", "xo", "hf", "ey")
_PAIRS = np.array([ord(a) << 8 | ord(b) for a, b in _BEGINNINGS], np.uint16)
_OTHERS = (b"PRIVATE KEY", b"AccountKey=")  # the secrets that are no such run
_OTHER = re.compile(b"|".join(_OTHERS))
_DIGITS, _WITHIN = 8, 29  # in every number that is looked for, at most 3 signs between two


class Glance:
    """`data` is the lines joined by line feeds."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes = np.frombuffer(b"\n" + data + b"  ", np.uint8)  # room to look back and ahead
        self._starts = np.flatnonzero(self._bytes == ord("\n"))

    def keys(self) -> Counts:
        """How many keys the objects of each line have together, if no more than one space stands
        between a key and its colon; -1 where it may be otherwise."""
        quote, colon = self._bytes == ord('"'), self._bytes == ord(":")
        blank = self._bytes <= ord(" ")
        escaped = self._bytes == ord("\\")
        ends = quote[1:-1] & colon[2:] & ~escaped[:-2]
        counts = np.add.reduceat(ends.view(np.uint8), self._starts, dtype=np.int64)
        apart = colon[2:] & blank[1:-1] & (blank | quote)[:-2]
        if apart.any():
            counts[self._any(apart)] = -1
        return counts

    def private(self) -> Lines:
        """May there be personal data or a secret?"""
        found = self._any(self._bytes == ord("@"))
        found[self._owners(self._long_numbers())] = True
        found[self._owners(self._long_keys())] = True
        if any(sign in self._data for sign in _OTHERS):
            places = [match.start() + 1 for match in _OTHER.finditer(self._data)]
            found[self._owners(np.array(places))] = True
        return found

    def strange(self) -> Lines:
        """May there be anything but plain printable text?"""
        found = self._any((self._bytes >= 0x7F))
        if b"\\" in self._data:
            escapes = np.flatnonzero(self._bytes[:-1] == ord("\\"))
            kinds = self._bytes[escapes + 1]
            odd = (kinds == ord("u")) | (kinds == ord("b")) | (kinds == ord("f"))
            found[self._owners(escapes[odd])] = True
        return found

    def _long_numbers(self) -> Counts:
        digits = np.flatnonzero(self._bytes - np.uint8(ord("0")) < 10)
        last = digits[_DIGITS - 1 :]
        return last[last - digits[: 1 - _DIGITS] < _WITHIN]

    def _long_keys(self) -> Counts:
        """Where a long word may be a key, by the two characters that it begins with."""
        letter = (self._bytes | np.uint8(0x20)) - np.uint8(ord("a")) < 26
        digit = self._bytes - np.uint8(ord("0")) < 10
        run = letter | digit | (self._bytes == ord("_")) | (self._bytes == ord("-"))
        for shift in (1, 2, 4, 8, LONG_WORD - 16):  # runs of 2, 4, 8, 16 and then 20
            run = run[shift:] & run[:-shift]
        long = np.flatnonzero(run)
        pairs = self._bytes[long].astype(np.uint16) << 8 | self._bytes[long + 1]
        return long[np.isin(pairs, _PAIRS)]

    def _any(self, marked: npt.NDArray[np.bool_]) -> Lines:
        return np.logical_or.reduceat(marked, self._starts)

    def _owners(self, places: Counts) -> Counts:
        return np.searchsorted(self._starts, places, "right") - 1
