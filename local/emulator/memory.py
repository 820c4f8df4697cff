"""Keeps what a training has freed from piling up. Knows the C library, not what used the memory.

glibc keeps what was freed between other things: after some steps of training that is a third of all
that the process seems to use. Other C libraries have no such calls, and nothing is done there.
"""

import ctypes
import sys
from typing import Any

# Blocks from this size on have a mapping of their own, which is gone when they are freed. Smaller
# ones come quicker from the heap; short examples need no larger ones.
OWN_MAPPING_BYTES = 2 * 10**6
_M_MMAP_THRESHOLD = -3  # malloc.h

_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def prepare() -> None:
    """Once, before the first training."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)


def give_back() -> None:
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
