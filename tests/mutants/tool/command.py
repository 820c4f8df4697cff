"""`dev.py mutants --tool`: what survives in the pure modules, and whether there is a reason."""

import time
from argparse import Namespace
from datetime import UTC, datetime
from fnmatch import fnmatch

from tests.mutants.tool.figures import Figures, known, save
from tests.mutants.tool.known import equivalents, judged
from tests.mutants.tool.run import Module, ToolError, modules, try_module


def main(options: Namespace) -> int:
    """Print the survivors; 1 if more have no reason than are known, or a listed one is none any
    more."""
    names = options.names
    chosen = [m for m in modules() if not names or any(fnmatch(m.file, name) for name in names)]
    if not chosen:
        print(f"The tool is not run over {' or '.join(names)}; --tool --list names its modules.")
        return 1
    if options.list:
        for module in chosen:
            print(f"{module.file:<40}  {' '.join(module.tests)}")
        return 0
    before = known()
    figures = [_tried(module, options.workers) for module in chosen]
    if options.save:
        save([found for found in figures if found])
    return 0 if all(found and found.right(before.get(found.file, 0)) for found in figures) else 1


def _tried(module: Module, workers: int) -> Figures | None:
    """None where the tool itself has failed."""
    began = time.monotonic()
    try:
        tried = try_module(module, workers)
    except ToolError as error:
        print(f"{module.file}: the tool failed.\n{error}", flush=True)
        return None
    found = judged(tried, equivalents())
    seconds = round(time.monotonic() - began)
    print(
        f"{module.file}: {tried.changes} changes, {len(found.unexplained)} survived without a "
        f"reason, {found.explained} with one, {found.words} of words alone; {seconds} s"
    )
    for change in found.unexplained:
        print(f"  survived: {change}")
    for change in found.stale:
        print(f"  listed, but does not survive: {change}")
    return Figures(
        file=module.file,
        changes=tried.changes,
        unexplained=len(found.unexplained),
        explained=found.explained,
        words=found.words,
        stale=len(found.stale),
        seconds=seconds,
        on=datetime.now(UTC).date().isoformat(),
    )
