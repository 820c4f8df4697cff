"""Tries mutants: each in a copy of the checkout, with the tests that are to notice it.

A mutant that its tests let pass has survived: a promise that nothing holds. One that is noticed
only because the tests could not run at all shows nothing and counts as broken.
"""

import compileall
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.mutants.mutant import DoesNotApply, Mutant

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = (".git", ".venv", ".local", "__pycache__", "node_modules", ".*_cache")
# Plugins that no test here needs; to load them takes as long as a narrow test.
NO_PLUGINS = ("langsmith_plugin", "anyio", "xdist", "xdist.looponfail")
MAX_SECONDS = 600  # of the tests of one mutant: a fault may make them wait for ever
FAILED = 1  # pytest's exit code: tests ran, and some failed


class Fate(StrEnum):
    FOUND = "found"
    SURVIVED = "survived"
    BROKEN = "broken"


class Trial(NamedTuple):
    mutant: Mutant
    fate: Fate
    by: str  # the test that noticed it, or what is wrong with the mutant
    seconds: float


def try_all(
    mutants: Sequence[Mutant], workers: int, tell: Callable[[Trial], object]
) -> list[Trial]:
    """`tell` is called with each trial as soon as it has ended, in any order."""
    with TemporaryDirectory(prefix="tunedrop-mutants-") as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            free.put(copied(Path(folder) / str(number)))

        def tried(mutant: Mutant) -> Trial:
            checkout = free.get()
            try:
                trial = try_one(mutant, checkout)
            finally:
                free.put(checkout)
            tell(trial)
            return trial

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(tried, mutants))


def try_one(mutant: Mutant, checkout: Path) -> Trial:
    began = time.monotonic()
    try:
        with _applied(mutant, checkout):
            fate, by = _run(mutant, checkout)
    except DoesNotApply as error:
        fate, by = Fate.BROKEN, str(error)
    return Trial(mutant, fate, by, time.monotonic() - began)


@contextmanager
def _applied(mutant: Mutant, checkout: Path) -> Iterator[None]:
    path = checkout / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(source), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(source, encoding="utf-8")


def _run(mutant: Mutant, checkout: Path) -> tuple[Fate, str]:
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [word for name in NO_PLUGINS for word in ("-p", f"no:{name}")]
    try:
        done = subprocess.run(
            [*command, "--tb=no", *mutant.tests],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Fate.FOUND, f"the tests did not end within {MAX_SECONDS} s"
    if done.returncode == 0:
        return Fate.SURVIVED, ""
    if done.returncode != FAILED:
        return Fate.BROKEN, f"pytest ended with {done.returncode}: {done.stdout[-300:]}"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return Fate.FOUND, failed[0].split(" - ")[0].partition(" ")[2] if failed else "a test"


def copied(folder: Path) -> Path:
    """The checkout as it lies there, changes included, with the environment of this one."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    compileall.compile_dir(folder, quiet=2)  # once: the tests of each mutant import most of it
    for shared in (".venv", ".local"):
        if (ROOT / shared).exists():
            (folder / shared).symlink_to((ROOT / shared).resolve())
    return folder
