"""Gives memory that a training has freed back to the system. Knows glibc's malloc, no training.

glibc keeps freed blocks that lie between blocks in use: after some steps of training they are a
third of the resident set. Other C libraries have no such calls, and nothing is done there.
"""

import ctypes
import sys
from typing import Any

# Blocks from this size on are mapped on their own and unmapped when they are freed. Smaller ones
# are quicker to get from the heap; short examples need no larger ones.
OWN_MAPPING_BYTES = 2 * 10**6
_M_MMAP_THRESHOLD = -3  # malloc.h

_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def configure() -> None:
    """Once, before the first training."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)


def trim() -> None:
    """Returns what is free at the top of the heap and between blocks."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
