"""The emulator as a package of its own: built, installed, and used as its README says."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.emulator import DEFAULT_KEY, __version__

from .declared import DECLARED, FOLDER
from .harness import KEY, ROOT, Running, dataset, url_of

NAME = "azure_openai_emulator"
BY_PRODUCTS = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from a copy, as a build leaves its by-products beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(FOLDER, folder / "source", ignore=BY_PRODUCTS)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def pip(*arguments: "str | Path") -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*command, *arguments], check=True, timeout=300)


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    kept = [
        path.relative_to(FOLDER)
        for pattern in ("*.py", "*.html", "py.typed")
        for path in FOLDER.rglob(pattern)
        if path.relative_to(FOLDER).parts[0] != "build"
    ]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith("/METADATA"))
        metadata_text = archive.read(metadata).decode()
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == {f"{NAME}/{path.as_posix()}" for path in kept}
    assert f"\nVersion: {__version__}\n" in metadata_text
    assert "# Azure OpenAI emulator" in metadata_text


def test_the_installed_command_serves_from_another_folder(installed: Path, tmp_path: Path) -> None:
    script = next((installed / "bin").glob("azure-openai-emulator*"))
    # Nothing of the checkout can be imported from there.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    printed = subprocess.run(
        [script, "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert printed.stdout == f"azure-openai-emulator {__version__}\n"
    command = [str(script), "--port", "0", "--model", "tiny", "--lazy"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = url_of(process)
            models = httpx.get(f"{url}/openai/v1/models", headers={"api-key": DEFAULT_KEY})
            assert "gpt-4.1-nano-2025-04-14" in [model["id"] for model in models.json()["data"]]
            assert "Azure OpenAI emulator" in httpx.get(f"{url}/_emulator").text
        finally:
            process.terminate()
            process.wait(timeout=10)
    assert (tmp_path / ".local/emulator/emulator.sqlite3").exists()


def test_what_it_declares_is_what_the_tests_ran_with() -> None:
    # torch adds which processor it is for: 2.13.0+cpu.
    assert {name: version(name).partition("+")[0] for name in DECLARED} == DECLARED


def test_the_module_of_the_checkout_names_itself() -> None:
    command = [sys.executable, "-m", "local.emulator", "--version"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert printed.stdout == f"python -m local.emulator {__version__}\n"


def test_the_example_of_the_readme_runs(
    emulator: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    example = example.replace("http://127.0.0.1:8080", emulator.url)
    example = example.replace(DEFAULT_KEY, KEY).replace("open(", "opened(")
    (tmp_path / "train.jsonl").write_bytes(dataset())
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "train.jsonl").open("rb") as file:
        exec(compile(example, "README.md", "exec"), {"opened": lambda name, mode: file})
    status, *answer = capsys.readouterr().out.splitlines()
    assert status.startswith("succeeded gpt-4.1-nano-2025-04-14.ft-")
    assert answer
