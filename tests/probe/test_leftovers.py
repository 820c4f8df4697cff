"""A probe leaves nothing: at its end, after a kill at any moment, and not of other people's things.

As public test suites have met it: ansible/ansible#53582 and Azure/azure-service-operator#351 (a run
that was ended left its resources, which went on costing).
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import supervised
from tests.probe.probed import KEY, Probed
from tests.support.house import ROOT
from tunedrop.probe.cleaning import clean
from tunedrop.probe.price import AREAS
from tunedrop.probe.running import run
from tunedrop.probe.session import Session
from tunedrop.probe.things import (
    BASE,
    TUNED_SKU,
    create_job,
    deployment,
    job,
    lines,
    suffix,
    upload,
    write,
)
from tunedrop.probe.wire import Form, Reply, Wire


class Killed(BaseException):
    """As sudden as a kill: nothing of the probe catches it."""


def kill_after(session: Session, fits: Callable[[str, str], bool]) -> None:
    """The answer to the first call that fits is never read."""
    wire, ask = session.wire, session.wire._patiently

    def asked(method: str, url: str, headers: dict[str, str], body: object) -> Reply:
        reply = ask(method, url, headers, body)
        if fits(method, url):
            raise Killed
        return reply

    object.__setattr__(wire, "_patiently", asked)


MOMENTS: dict[str, Callable[[str, str], bool]] = {
    "an upload": lambda method, url: method == "POST" and url.endswith("/files"),
    "a job": lambda method, url: method == "POST" and "/fine_tuning/jobs?" in url,
    "events": lambda method, url: "/events" in url,
    "a deployment": lambda method, url: method == "PUT" and "-base?" in url,
    "a chat": lambda method, url: "/chat/completions" in url,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_all_of_it_is_found_by_name(probed: Probed, folder: Path, moment: str) -> None:
    session = probed.session(folder)
    kill_after(session, MOMENTS[moment])
    with pytest.raises(Killed):
        run(session, AREAS[1:-1], lambda area: None)
    assert any(probed.what_is_there().values())
    # The file that remembers may be lost as well.
    removed = clean(probed.session(folder / "elsewhere"))
    assert removed.left == []
    assert not any(probed.what_is_there().values())


def test_a_model_goes_with_its_deployment_its_job_and_its_results(
    probed: Probed, folder: Path
) -> None:
    """As a kill in the middle of the area of training leaves them."""
    session, emulator = probed.session(folder), probed.emulator
    results, number, tag = emulator.files.add_results(b"step\n"), "0" * 32, suffix(session)
    model = f"{BASE}.ft-{number}-{tag}"
    emulator.registry.add(model, BASE, f"ftjob-{number}", "nowhere", 0)
    ended: dict[str, Any] = {
        "id": f"ftjob-{number}",
        "status": "succeeded",
        "suffix": tag,
        "model": BASE,
    }
    ended |= {"fine_tuned_model": model, "result_files": [results], "_startable_at": 0}
    ended |= {"trainingType": "developerTier", "training_file": results, "_fault": None}
    emulator.context.store.put("job", ended["id"], ended)
    body = deployment(model, "1", sku=TUNED_SKU, capacity=1)
    assert session.wire.arm("PUT", f"/deployments/{session.memory.name}-tuned", body).is_ok
    counts = {"deployment": 1, "model": 1, "job": 1, "file": 1}
    assert clean(probed.session(folder)).counts == counts
    assert not any(probed.what_is_there().values())


def test_a_job_that_waits_is_ended(probed: Probed, folder: Path) -> None:
    """It would train, and be paid for, after everything else was removed."""
    probed.emulator.context.settings.change({"queue_seconds": 1e6})
    session = probed.session(folder)
    file = upload(session, "one", lines()).object["id"]
    probed.clock.pause(100)
    assert create_job(session, job(session, file)).is_ok
    assert clean(session).counts == {"job": 1, "file": 1}
    assert not any(probed.what_is_there().values())


def test_what_stands_on_a_later_page_is_found(probed: Probed, folder: Path) -> None:
    session = probed.session(folder)
    for label in ("one", "two", "three"):
        upload(session, label, lines())
        assert write(session, "PUT", f"{session.memory.name}-{label}", deployment()).is_ok
    probed.emulator.context.settings.change({"page_limit": 1})
    assert clean(session).counts == {"deployment": 3, "file": 3}


def test_what_others_have_made_stays(probed: Probed, folder: Path) -> None:
    wire = probed.session(folder).wire
    theirs = _others(probed, wire)
    removed = clean(probed.session(folder))
    assert (removed.counts, removed.left) == ({}, [])
    probed.run(folder, "files", "jobs")
    assert probed.what_is_there() == theirs


def _others(probed: Probed, wire: Wire) -> dict[str, list[str]]:
    """Somebody's file, job and deployment."""
    file = wire.data("POST", "/files", Form({"purpose": "fine-tune"}, "mine.jsonl", lines()))
    probed.clock.pause(100)
    asked = {"model": "gpt-4.1-nano-2025-04-14", "training_file": file.object["id"]}
    made = wire.data("POST", "/fine_tuning/jobs", {**asked, "suffix": "mine-td-probe-"}).object
    wire.data("POST", f"/fine_tuning/jobs/{made['id']}/cancel")
    assert wire.arm("PUT", "/deployments/mine-tunedrop-probe-1", deployment()).is_ok
    probed.clock.pause(200)
    return probed.what_is_there()


def test_the_clean_up_of_one_probe_leaves_another_alone(probed: Probed, folder: Path) -> None:
    first, second = probed.session(folder / "1"), probed.session(folder / "2")
    for session in (first, second):
        form = Form({"purpose": "fine-tune"}, f"{session.memory.name}-one.jsonl", lines())
        session.wire.data("POST", "/files", form)
    clean(first, first.memory.name)
    assert probed.what_is_there()["file"] == [f"{second.memory.name}-one.jsonl"]


def test_what_cannot_be_removed_is_told_without_its_name(probed: Probed, folder: Path) -> None:
    session = probed.session(folder)
    form = Form({"purpose": "fine-tune"}, f"{session.memory.name}-one.jsonl", lines())
    session.wire.data("POST", "/files", form)
    faults = probed.emulator.context.faults
    armed = faults.arm({"fault": "error-before", "operation": "files.delete", "count": None})
    removed = clean(session)
    assert removed.left == ["a file, answered with 500 internalFailure"]
    faults.disarm(armed["id"])


def test_a_process_that_is_killed_leaves_what_clean_finds(probed: Probed, folder: Path) -> None:
    words = ["probe", "--emulator", probed.url, "--only", "deployments"]
    words += ["--out", str(folder), "--state", str(folder / "state.json")]
    program = supervised.module("tunedrop", *words)
    with supervised.start(program, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
        while not probed.what_is_there()["deployment"]:
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
    assert len(probed.what_is_there()["deployment"]) == 1
    assert clean(probed.session(folder)).counts == {"deployment": 1}
    assert not any(probed.what_is_there().values())
    assert KEY not in (folder / "state.json").read_text(encoding="utf-8")
