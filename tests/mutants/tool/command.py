"""`dev.py mutants --tool`: what survives in the pure modules, and whether there is a reason."""

import time
from collections.abc import Sequence
from fnmatch import fnmatch

from tests.mutants.tool.known import Judged, equivalents, judged
from tests.mutants.tool.run import Module, ToolError, Tried, modules, try_module


def main(names: Sequence[str], workers: int, only_list: bool) -> int:
    """Print the survivors; 1 if one has no reason, or a listed one is none any more."""
    chosen = [m for m in modules() if not names or any(fnmatch(m.file, name) for name in names)]
    if not chosen:
        print(f"The tool is not run over {' or '.join(names)}; --tool --list names its modules.")
        return 1
    if only_list:
        for module in chosen:
            print(f"{module.file:<40}  {' '.join(module.tests)}")
        return 0
    return max(_tried(module, workers) for module in chosen)


def _tried(module: Module, workers: int) -> int:
    began = time.monotonic()
    try:
        tried = try_module(module, workers)
    except ToolError as error:
        print(f"{module.file}: the tool failed.\n{error}", flush=True)
        return 1
    found = judged(tried, equivalents())
    print(_line(tried, found, time.monotonic() - began))
    for change in found.unexplained:
        print(f"  survived: {change}")
    for change in found.stale:
        print(f"  listed, but does not survive: {change}", flush=True)
    return 1 if found.unexplained or found.stale else 0


def _line(tried: Tried, found: Judged, seconds: float) -> str:
    return (
        f"{tried.module.file}: {tried.changes} changes, {len(found.unexplained)} survived without "
        f"a reason, {found.explained} with one, {found.words} of words alone; {seconds:.0f} s"
    )
