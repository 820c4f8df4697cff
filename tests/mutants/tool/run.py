"""Runs mutmut over one module after another, each in a copy of the checkout with its own tests.

mutmut writes all changes of a module into it at once and forks a process for each, so that one
takes a fraction of a second. It changes what stands in functions; tables and limits at the top of
a module are left to the lists beside this folder. It does not run on Windows.
"""

import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.mutants.tool.change import described
from tests.mutants.trial import ROOT, copied

HERE = Path(__file__).resolve().parent
FOUND = {"killed", "timeout", "segfault", "caught by type check"}


@dataclass(frozen=True)
class Module:
    file: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    module: Module
    changes: int
    survivors: tuple[str, ...]  # as change.described says them


class ToolError(Exception):
    """The tool itself could not do its work; its own words."""


def modules() -> list[Module]:
    listed = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))["module"]
    return [Module(item["file"], tuple(item["tests"])) for item in listed]


def try_module(module: Module, workers: int) -> Tried:
    """Raises ToolError."""
    with TemporaryDirectory(prefix="tunedrop-mutmut-") as folder:
        checkout = copied(Path(folder) / "checkout")
        _configure(checkout, module)
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers)]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        results = _results(checkout, module)
        if done.returncode or not results:
            raise ToolError(f"{module.file}: {(done.stdout + done.stderr)[-2000:]}")
        return Tried(module, len(results), tuple(sorted(results_of_survivors(results))))


def results_of_survivors(results: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (change for change, fate in results if fate not in FOUND)


def _configure(checkout: Path, module: Module) -> None:
    """The tests run in the tool's own copy, which needs whatever they read."""
    beside = [path.name for path in ROOT.iterdir() if path.name not in ("shared", "tests")]
    kept = sorted(name for name in beside if not name.startswith(".") and name != "mutants")
    options = {
        "source_paths": ["shared"],
        "only_mutate": [module.file],
        "also_copy": kept,
        "pytest_add_cli_args_test_selection": list(module.tests),
        "timeout_constant": 20.0,  # seconds beyond the tests' own time: a machine may be busy
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
    with (checkout / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _results(checkout: Path, module: Module) -> list[tuple[str, str]]:
    """Each change with what became of it. In a process of its own: the tool reads the folder that
    it is in."""
    command = [sys.executable, "-m", "tests.mutants.tool.run", module.file]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        return []
    return [(change, fate) for change, fate in json.loads(done.stdout.splitlines()[-1])]


def told(file: str) -> list[tuple[str, str]]:
    """Read what the tool has written in the current folder."""
    data, stats, diffs = (
        importlib.import_module(f"mutmut.{name}")
        for name in ("mutation.data", "stats", "mutation.diff_apply")
    )
    known = data.SourceFileMutationData(path=Path(file))
    known.load()
    return [_told(name, code, file, stats, diffs) for name, code in known.exit_code_by_key.items()]


def _told(name: str, code: int | None, file: str, stats: Any, diffs: Any) -> tuple[str, str]:
    fate = stats.status_by_exit_code[code]
    if fate in FOUND:
        return name, fate
    function = name.rpartition(".")[2].rpartition("__mutmut_")[0].replace("ǁ", ".")
    function = function.removeprefix("x.").removeprefix("x_")
    return described(function, diffs.get_diff_for_mutant(name, path=Path(file))), fate


if __name__ == "__main__":
    print(json.dumps(told(sys.argv[1])))
