"""dev.py before anything is installed: it explains itself, and touches nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from bench.options import BENCHES
from local import set_up
from tests.environments import interpreter

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What dev.py reads before it sets anything up, and nothing that it could run."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("local", "bench", "tests/mutants", "tests/simulation"):
        (folder / part).mkdir(parents=True)
    for name in ("dev.py", "pyproject.toml", *(f"{n}.py" for n in MODULES)):
        shutil.copy(ROOT / name, folder / name)
    return folder


MODULES = (
    *(
        f"local/{name}"
        for name in (
            "__init__",
            "errors",
            "options",
            "private",
            "quiet",
            "set_up",
            "steps",
            "supervised",
        )
    ),
    *(f"bench/{name}" for name in ("__init__", "options")),
    *(f"tests/{name}" for name in ("__init__", "mutants/__init__", "mutants/options")),
    *(f"tests/{name}" for name in ("simulation/__init__", "simulation/options")),
)


def run(checkout: Path, *arguments: str, python: str = sys.executable) -> tuple[int, str]:
    command = [python, "-B", "dev.py", *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", dev.COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_of_a_command_does_nothing_else(name: str, option: str, checkout: Path) -> None:
    code, said = run(checkout, name, option)
    assert code == 0
    assert f"dev.py {name}" in said
    assert len(said.splitlines()) > 5
    there = {path.relative_to(checkout).as_posix() for path in checkout.rglob("*.*")}
    assert there == {"dev.py", "pyproject.toml", *(f"{name}.py" for name in MODULES)}


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--fxi"],
        ["docs", "--chek"],
        ["lock", "now"],
        ["bench", "tock"],
        ["bench", "tick", "--long"],
        ["mutants", "--lst"],
        ["simulate", "--sead"],
    ],
)
def test_what_a_command_does_not_know_is_refused_before_anything_is_done(
    arguments: list[str], checkout: Path
) -> None:
    code, said = run(checkout, *arguments)
    assert code == 2
    assert arguments[-1] in said
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_has_a_help_of_its_own(name: str, checkout: Path) -> None:
    code, said = run(checkout, "bench", name, "--help")
    assert code == 0
    assert "--save" in said
    assert not (checkout / ".venv").exists()


def test_every_benchmark_is_listed() -> None:
    runnable = (p for p in (ROOT / "bench").glob("*.py") if "options.parser(" in p.read_text())
    assert {path.stem for path in runnable} == set(BENCHES)


def test_every_command_is_in_the_list(checkout: Path) -> None:
    code, said = run(checkout)
    assert code == 0
    assert all(f"python3 dev.py {name} " in said for name in dev.COMMANDS)
    assert run(checkout, "tset")[0] == 2


def test_a_folder_that_cannot_be_used_ends_in_a_sentence(checkout: Path) -> None:
    """A file where .local should be; a stamp that nobody can read is none."""
    (checkout / "local/azurite").mkdir()
    for path in set_up.AZURITE_LOCK:
        shutil.copy(path, checkout / "local/azurite")
    (checkout / ".local").touch()
    (checkout / ".venv/.tunedrop-environment").mkdir(parents=True)
    try:
        code, said = run(checkout, "docs")
    finally:
        (checkout / ".local").unlink()
        for folder in (".venv", "local/azurite"):
            shutil.rmtree(checkout / folder)
    assert code == 1
    assert f"{checkout / '.local'} cannot be used" in said
    assert "Traceback" not in said


def test_a_python_that_is_too_old_is_told_so(checkout: Path) -> None:
    old = interpreter("3.10")
    if not old:
        pytest.skip("Python 3.10 is not on this machine")
    code, said = run(checkout, "demo", python=old)
    assert code == 2
    assert "Python 3.11 to 3.14" in said


def test_what_ships_is_what_a_terminal_does_not_need_alone() -> None:
    shipped = {line.partition("==")[0] for line in set_up.shipped()}
    assert {"azure-functions", "openai"} <= shipped
    assert not {"rich", "typer", "torch"} & shipped
