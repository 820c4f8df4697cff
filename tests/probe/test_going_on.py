"""A probe that was stopped goes on where it was: no area twice, no job twice."""

import json
from pathlib import Path

import pytest

from tests.probe.probed import Probed
from tunedrop.errors import CommandError
from tunedrop.probe.memory import Memory
from tunedrop.probe.report import differing
from tunedrop.probe.running import run
from tunedrop.probe.session import Session


def again(probed: Probed, folder: Path, *areas: str) -> tuple[Session, list[str]]:
    session, told = probed.session(folder), list[str]()
    run(session, areas, told.append)
    return session, told


def test_a_job_that_waits_is_waited_for_by_the_same_command(probed: Probed, folder: Path) -> None:
    probed.emulator.context.settings.change({"queue_seconds": 20 * 3600})
    probed.least_pause = 1800.0
    session, told = again(probed, folder, "address", "jobs")
    made = probed.made("job")
    assert session.memory.left_out == {"jobs": "the job that cannot train still waits for its turn"}
    assert told == ["address", "jobs"]
    probed.emulator.context.clock.advance(20 * 3600)
    session, told = again(probed, folder, "address", "jobs")
    assert told == ["jobs"]
    assert probed.made("job") == made
    assert session.memory.left_out == {}
    assert differing(session.memory) == []
    assert not any(probed.what_is_there().values())


def test_a_memory_is_of_one_resource(folder: Path) -> None:
    place = folder / "state.json"
    Memory.at(place, "https://one.openai.azure.com").save()
    with pytest.raises(CommandError, match="of another resource"):
        Memory.at(place, "https://two.openai.azure.com")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "resource": "r"}']
)
def test_a_file_that_is_no_memory_is_refused(folder: Path, text: str) -> None:
    place = folder / "state.json"
    place.write_text(text)
    with pytest.raises(CommandError):
        Memory.at(place, "s")


def test_a_memory_is_for_its_user_alone(folder: Path) -> None:
    place = folder / "state.json"
    Memory.at(place, "r").save()
    assert place.stat().st_mode & 0o077 == 0
    assert json.loads(place.read_text())["name"].startswith("tunedrop-probe-")
