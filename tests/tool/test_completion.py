"""What a shell offers for a name that is begun: names of the app, within a second, or nothing."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.run.ids import short
from tests.support.over_http import served
from tests.support.served import Versions
from tunedrop import completion
from tunedrop.__main__ import cli


def completed(address: str, *words: str) -> list[str]:
    """By bash, for the last of the words."""
    asked = {
        "_TUNEDROP_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["tunedrop", *words]),
        "COMP_CWORD": str(len(words)),
        "TUNEDROP_APP": address,
        "TUNEDROP_KEY": "operator",
    }
    done = CliRunner().invoke(cli, [], prog_name="tunedrop", env=asked)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def silent() -> Iterator[str]:
    """An app that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_names_of_models_versions_and_runs_come_from_the_app(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        run = short((await Versions(app.runs).train()).id)

        async def offered(*words: str) -> list[str]:
            return await app.in_thread(completed, app.url, *words)

        assert await offered("rollback", "ca") == ["captain"]
        assert await offered("promote", "captain@") == ["captain@1"]
        assert await offered("watch", run[:-3]) == [run]
        assert await offered("sleep", "capt") == ["captain"]
        assert await offered("sleep", "m@") == ["m@1"]
        assert await offered("delete", "m") == ["m", run]
        assert await offered("rollback", "nobody") == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("wat",), ["watch"]),
        (("runs", "--st"), ["--stage"]),
        (("runs", "--stage", "trai"), ["training", "trained"]),
        (("retrain", "m", "--base", "gpt-4.1-n"), ["gpt-4.1-nano-2025-04-14"]),
        (("deploy", "m", "--sku", "Dev"), ["DeveloperTier"]),
    ],
)
def test_what_is_known_here_asks_no_app(
    words: tuple[str, ...], found: list[str], silent: str, machine: Path
) -> None:
    assert completed(silent, *words) == found


@pytest.mark.parametrize("reached", [True, False])
def test_an_app_that_does_not_answer_holds_nobody_up(
    reached: bool, silent: str, machine: Path
) -> None:
    began = time.monotonic()
    assert completed(silent if reached else "http://127.0.0.1:1", "watch", "") == []
    assert time.monotonic() - began < 30  # one second, on a machine that is not busy


def test_what_a_shell_would_take_for_more_than_a_name_is_not_offered() -> None:
    names = ["captain", "$(reboot)", "a b", "a;b", "`id`", "-rf", "x\x1b[2J", "captain@2"]
    assert list(filter(completion.NAME.fullmatch, names)) == ["captain", "captain@2"]
