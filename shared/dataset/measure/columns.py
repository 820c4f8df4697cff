"""Rows of numbers that are gathered bit by bit. Knows nothing of what they count."""

import math
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt


class Column:
    """Takes no more memory than its rows: what grows by being copied leaves holes."""

    PIECE = 1 << 17  # rows

    def __init__(self, dtype: npt.DTypeLike, *width: int) -> None:
        self._shape, self._dtype = width, dtype
        self._pieces: list[npt.NDArray[Any]] = []
        self._free = 0  # rows of the last piece

    def extend(self, rows: npt.NDArray[Any]) -> None:
        while len(rows):
            if not self._free:
                self._pieces.append(self._piece())
                self._free = self.PIECE
            taken = rows[: self._free]
            start = self.PIECE - self._free
            self._pieces[-1][start : start + len(taken)] = taken
            self._free -= len(taken)
            rows = rows[len(taken) :]

    def _piece(self) -> npt.NDArray[Any]:
        """Mapped, not allocated: so it takes memory as it fills, and gives it back when dropped."""
        size = self.PIECE * math.prod(self._shape) * np.dtype(self._dtype).itemsize
        return np.frombuffer(mmap(-1, size), self._dtype).reshape(-1, *self._shape)

    def take(self) -> npt.NDArray[Any]:
        """All rows in one array; the column is empty afterwards."""
        count = len(self._pieces) * self.PIECE - self._free
        whole = np.empty((count, *self._shape), self._dtype)
        self._pieces.reverse()
        for start in range(0, count, self.PIECE):
            whole[start : start + self.PIECE] = self._pieces.pop()[: count - start]
        self._free = 0
        return whole
