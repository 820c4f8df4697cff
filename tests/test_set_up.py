"""The set-up as somebody meets it who has just cloned: it says what it does, and does it once."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from local import quiet, set_up, steps
from local.steps import SetUpError, Step

# What pip 23 and pip 25 print where nobody looks: to a file.
PIP = """\
Collecting torch==2.13.0
  Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (28 kB)
  Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (192.1 MB)
Collecting numpy==2.4.6
  Using cached numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)
Processing /opt/wheels/rich-15.0.0-py3-none-any.whl
"""  # noqa: E501
UNPACKING = "Installing collected packages: torch, numpy, rich\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(quiet, "ROOT", tmp_path)
    monkeypatch.setattr(quiet, "LOG", tmp_path / "set-up.log")
    monkeypatch.setattr(steps, "TIMES", tmp_path / "set-up.json")
    monkeypatch.setattr(steps, "LOCK", tmp_path / "set-up.lock")
    return tmp_path


def step(place: Path, name: str, made_from: str, done: list[str], said: str = "") -> Step:
    def do() -> str:
        done.append(name)
        return said

    return Step(name, f"part {name}", "5 MB on disk", "1 s", made_from, do, place)


# ---- steps


def test_it_says_where_it_is_and_does_each_step_once(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    def todo(*content: str) -> None:
        made = [step(place, str(n), text, done, f"{text} it was") for n, text in enumerate(content)]
        steps.carry_out(lambda: [one for one in made if not one.done])

    todo("a", "b")
    said = capsys.readouterr().err
    assert "what pip and npm say of it is in set-up.log" in said
    assert "step 1 of 2: part 0 (5 MB on disk; about 1 s)" in said
    assert "step 2 of 2: part 1 (5 MB on disk; about 1 s)" in said
    assert "done in 0 s: a it was" in said
    todo("a", "b")
    assert capsys.readouterr().err == ""
    todo("a", "another")
    assert (
        "step 1 of 1: part 1 (5 MB on disk; it took 0 s the last time)" in capsys.readouterr().err
    )
    assert done == ["0", "1", "1"]


@pytest.mark.parametrize("text", ["[]", "{", '{"0": "long"}', '{"0": null}'])
def test_times_that_nobody_can_read_are_none(
    text: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "set-up.json").write_text(text, encoding="utf-8")
    steps.carry_out(lambda: [one for one in [step(place, "0", "a", [])] if not one.done])
    assert "about 1 s" in capsys.readouterr().err
    assert set(json.loads((place / "set-up.json").read_text(encoding="utf-8"))) == {"0"}


def test_a_step_that_fails_is_done_again(place: Path) -> None:
    def fail() -> str:
        raise SetUpError("There is no network.")

    failing = Step("part", "a part", "", "1 s", "a", fail, place)
    with pytest.raises(SetUpError):
        steps.carry_out(lambda: [failing])
    assert not failing.done
    assert steps.times() == {}


def test_the_log_is_of_this_set_up_and_the_one_before_is_kept(place: Path) -> None:
    (place / "set-up.log").write_text("ERROR: long ago\n", encoding="utf-8")
    steps.carry_out(lambda: [step(place, "0", "a", [])])
    assert not (place / "set-up.log").exists()
    assert "long ago" in (place / "set-up.before.log").read_text(encoding="utf-8")


def piped(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_two_at_a_time_do_each_step_once(place: Path) -> None:
    """The second waits for the first, and finds that there is nothing left to do."""
    code = f"""
import sys
from pathlib import Path
from local import quiet, steps
place = Path({str(place)!r})
quiet.ROOT, quiet.LOG = place, place / "set-up.log"
steps.TIMES, steps.LOCK = place / "set-up.json", place / "set-up.lock"
def do():
    with (place / "done").open("a") as file:
        file.write("x")
    print("doing", flush=True)
    sys.stdin.readline()
    return ""
step = steps.Step("part", "a part", "", "1 s", "a", do, place)
steps.carry_out(lambda: [] if step.done else [step])
"""
    first = piped(code)
    assert first.stdout
    assert first.stdout.readline() == "doing\n"
    second = piped(code)
    assert second.stderr
    assert "another dev.py is setting up here" in second.stderr.readline()
    first.communicate("\n")
    said = second.communicate("\n")[1]
    assert (first.returncode, second.returncode) == (0, 0)
    assert (place / "done").read_text(encoding="utf-8") == "x"
    assert "step" not in said


# ---- what pip is at


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("", "asking the package index"),
        (PIP.partition("28 kB)\n")[0] + "28 kB)\n", "asking the package index"),
        (PIP.partition("192.1 MB)\n")[0] + "192.1 MB)\n", "fetching torch 2.13.0+cpu (192.1 MB)"),
        (PIP.partition("Processing")[0], "numpy 2.4.6, from pip's cache"),
        (PIP, "rich 15.0.0, from this disk"),
        (PIP + UNPACKING, "unpacking 3 packages"),
        ("Installing collected packages: six\n", "unpacking 1 package"),
        ("  Downloading six-1.tar.gz (3.5 MB)\n", "fetching six-1.tar.gz (3.5 MB)"),
    ],
)
def test_one_line_says_what_pip_is_at(said: str, state: str) -> None:
    assert quiet.pip_state(said) == state


def test_what_pip_has_done_is_told_in_packages_and_megabytes() -> None:
    assert quiet.pip_summary(PIP + UNPACKING) == "3 packages, 192 MB fetched"
    assert quiet.pip_summary("  Downloading a.tar.gz (1.5 GB)\n" + UNPACKING).endswith(
        "1500 MB fetched"
    )
    assert quiet.pip_summary("Requirement already satisfied: torch\n") == "all of it was there"


def test_a_program_runs_to_its_end_with_a_line_of_what_it_said(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only of what it said itself: not of what stood in the log before."""
    (place / "set-up.log").write_text("error of before\n", encoding="utf-8")
    seen: list[str] = []
    monkeypatch.setattr(quiet, "LOOK_SECONDS", 0.01)
    code = f"""
import pathlib, time
print("half", flush=True)
while not pathlib.Path({str(place / "go")!r}).exists():
    time.sleep(0.01)
print("all")
raise SystemExit(3)
"""

    def state(said: str) -> str:
        seen.append(said)
        if "half" in said:
            (place / "go").touch()
        return said

    ended = quiet.run([sys.executable, "-c", code], cwd=place, state=state)
    assert ended.code == 3
    assert ended.said.split() == ["half", "all"]
    assert not any("before" in said for said in seen)
    assert "$ " in (place / "set-up.log").read_text(encoding="utf-8")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over_and_taken_away() -> None:
    out = Terminal()
    line = quiet.Line(out)
    line.show("fetching torch (192.1 MB)", 65)
    line.show("fetching torch (192.1 MB)", 119.7)
    line.show("fetching \x1b[31mtorch" + "x" * 300, 66)
    line.clear()
    said = out.getvalue()
    assert "\r  1:05  fetching torch (192.1 MB)" in said
    assert "\r  1:59  fetching" in said
    assert "\n" not in said
    assert "\x1b" not in said
    assert said.endswith("\r")


def test_a_pipe_has_a_line_now_and_then_so_that_nothing_looks_hung() -> None:
    out = io.StringIO()
    line = quiet.Line(out)
    for second in range(0, 80):
        line.show("fetching a" if second < 7 else "fetching torch", second)
    assert out.getvalue().splitlines() == [
        "  0:05  fetching a",
        "  0:10  fetching torch",
        "  0:40  fetching torch",
        "  1:10  fetching torch",
    ]


# ---- which steps there are


@pytest.mark.parametrize(
    ("wanted", "steps_of"),
    [
        ({}, []),
        ({"weights": True}, ["weights"]),  # a stack would convert them without a word
        ({"tests": True, "mutation": True}, ["tests", "mutation"]),
    ],
)
def test_each_command_sets_up_what_it_needs(
    wanted: dict[str, bool], steps_of: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).resolve().parents[1]
    monkeypatch.setattr(set_up, "ROOT", root)
    monkeypatch.setattr(set_up, "VENV", root / "nowhere")
    monkeypatch.setattr(set_up, "find_node", lambda: ["node"])
    monkeypatch.setenv("TUNEDROP_NODE", "")  # so that what is set there is taken back
    monkeypatch.setenv(set_up.TORCH_INDEX_VARIABLE, "https://index.example/cpu")
    found: list[Step] = []
    monkeypatch.setattr(set_up, "carry_out", lambda todo: found.extend(todo()))
    set_up.set_up(**wanted)
    names = [step.name for step in found]
    assert names == ["environment", "torch", "laptop", "azurite", *steps_of]
    assert all(step.about for step in found)
