"""Runs mutmut over one module after another, each in a copy of the checkout with its own tests.

mutmut writes all changes of a module into it at once and forks a process for each, so that one
takes a fraction of a second. It changes what stands in functions; tables and limits at the top of
a module are left to the lists beside this folder. It does not run on Windows.
"""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.mutants.tool.change import described
from tests.mutants.trial import ROOT, copied

HERE = Path(__file__).resolve().parent
FOUND = {"killed", "timeout", "segfault", "caught by type check"}


@dataclass(frozen=True)
class Module:
    """`at_import`: functions that are done before mutmut has forked; their changes are tried again,
    each in a process of its own."""

    file: str
    tests: tuple[str, ...]
    at_import: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    module: Module
    changes: int
    survivors: tuple[str, ...]  # as change.described says them


class ToolError(Exception):
    """The tool itself could not do its work; its own words."""


def modules() -> list[Module]:
    listed = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))["module"]
    return [Module(**{key: _frozen(value) for key, value in item.items()}) for item in listed]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def try_module(module: Module, workers: int) -> Tried:
    """Raises ToolError."""
    with TemporaryDirectory(prefix="tunedrop-mutmut-") as folder:
        checkout = copied(Path(folder) / "checkout")
        _configure(checkout, module)
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers)]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        changes = _changes(checkout, module)
        if done.returncode or not changes:
            raise ToolError(f"{module.file}: {(done.stdout + done.stderr)[-2000:]}")
        lost = [c for c in changes if c.fate not in FOUND and not seen_afresh(c, checkout, module)]
        return Tried(module, len(changes), tuple(sorted(change.text for change in lost)))


class Change(NamedTuple):
    name: str  # mutmut's own
    fate: str
    text: str = ""  # of one that was not found


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


def _changes(checkout: Path, module: Module) -> list[Change]:
    """In a process of its own: mutmut reads the folder that it is in."""
    command = [sys.executable, "-m", "tests.mutants.tool.run", module.file]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return [Change(*item) for item in json.loads(done.stdout or "[]")]


def seen_afresh(change: Change, checkout: Path, module: Module) -> bool:
    if change.text.partition(":")[0] not in module.at_import:
        return False
    place = checkout / "mutants"
    environ = {**os.environ, "PYTHONPATH": str(place), "MUTANT_UNDER_TEST": change.name}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *module.tests]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, check=False)
    return done.returncode != 0


def told(file: str) -> list[Change]:
    """Read what mutmut has written in the current folder."""
    data, stats, diffs = (
        importlib.import_module(f"mutmut.{name}")
        for name in ("mutation.data", "stats", "mutation.diff_apply")
    )
    known = data.SourceFileMutationData(path=Path(file))
    known.load()
    changes = []
    for name, code in known.exit_code_by_key.items():
        fate = stats.status_by_exit_code[code]
        diff = "" if fate in FOUND else diffs.get_diff_for_mutant(name, path=Path(file))
        changes.append(Change(name, fate, described(_function(name), diff) if diff else ""))
    return changes


def _function(name: str) -> str:
    """`shared.run.spec.xǁSpecǁof__mutmut_3` is of Spec.of, `….spec.x_of__mutmut_1` of `of`."""
    mangled = name.rpartition(".")[2].rpartition("__mutmut_")[0].removeprefix("x")
    return mangled.removeprefix("ǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled[1:]


if __name__ == "__main__":
    print(json.dumps(told(sys.argv[1])))
