"""Where the set-up takes PyTorch from: on Linux 190 MB and not 3 GB, with ways on and out."""

import json
import os
import sys
from pathlib import Path

import pytest

from local import quiet, set_up
from local.steps import SetUpError

PIP = """\
Processing torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl
  Downloading torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (192.1 MB)
Installing collected packages: torch
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(quiet, "LOG", tmp_path / "set-up.log")
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "chosen", "index"),
    [
        ("linux", "", "https://download.pytorch.org/whl/cpu"),
        ("darwin", "", ""),  # what PyPI has for these is made for the CPU
        ("win32", "", ""),
        ("linux", "pip", ""),
        ("linux", "https://mirror.example/cpu", "https://mirror.example/cpu"),
        ("darwin", "https://mirror.example/cpu", "https://mirror.example/cpu"),
    ],
)
def test_linux_has_pytorch_for_the_cpu_unless_somebody_says_otherwise(
    platform: str, chosen: str, index: str
) -> None:
    assert set_up.torch_index(platform, chosen) == index


class Pip:
    """Stands where the environment's Python is: keeps what it is called with, says what it is told
    to say, and ends so."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int) -> None:
        self.calls = place / "calls"
        program = place / "python"
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"with open({str(self.calls)!r}, 'a') as calls:\n"
            "    calls.write(json.dumps(sys.argv[1:]) + '\\n')\n"
            f"print({said!r})\nsys.exit({code})\n",
            encoding="utf-8",
        )
        program.chmod(0o700)
        monkeypatch.setattr(set_up, "PYTHON", program)

    @property
    def called(self) -> list[str]:
        return list(json.loads(self.calls.read_text(encoding="utf-8").splitlines()[-1]))


posix = pytest.mark.skipif(os.name != "posix", reason="Windows starts no script by its first line")


@posix
def test_pytorch_comes_alone_from_its_own_index(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else may: an index that is asked for everything may answer for anything."""
    pip = Pip(place, monkeypatch, PIP, 0)
    assert set_up.install_torch("https://index.example/cpu") == "1 package, 192 MB fetched"
    assert "--no-deps" in pip.called
    assert pip.called[pip.called.index("--index-url") + 1] == "https://index.example/cpu"
    assert "--extra-index-url" not in pip.called
    assert [word for word in pip.called if "==" in word] == [set_up.torch_requirement()]


@posix
def test_an_index_out_of_reach_is_told_and_the_set_up_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pip(place, monkeypatch, "ERROR: No matching distribution found for torch==2.13.0", 1)
    said = set_up.install_torch("https://me:secret@index.example/cpu")
    assert "index.example" in said
    assert "secret" not in said
    assert "3 GB" in said


@posix
def test_a_download_that_breaks_off_is_not_followed_by_one_of_gigabytes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pip(place, monkeypatch, "ERROR: Connection broken: IncompleteRead(9 bytes read)", 1)
    with pytest.raises(SetUpError, match=r"IncompleteRead.*TUNEDROP_TORCH_INDEX=pip"):
        set_up.install_torch("https://index.example/cpu")


@pytest.mark.parametrize(
    ("logged", "cure"),
    [("ERROR: [Errno 28] No space left on device", "make room"), ("ERROR: no route", "a network")],
)
def test_what_pip_could_not_do_is_told_with_its_cure(logged: str, cure: str) -> None:
    told = set_up.why(f"{logged}\nnotice\n")
    assert logged in told
    assert cure in told
    assert "set-up.log" in told
