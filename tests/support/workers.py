"""The worker processes of a test's own process."""

import os
from contextlib import suppress

import psutil
import pytest

from tests.processes import PATIENCE_SECONDS

posix = pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")


def children() -> list[psutil.Process]:
    """The worker processes of this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "shared.dataset.worker" in child.cmdline():
                found.append(child)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)[1]
