"""Every wait has an end, a reason and a log that is true."""

import json
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, DecodeError, HttpResponseError

from shared import api
from shared.cloud.deployments import Deployment
from shared.cloud.memory_container import MemoryContainer
from shared.cloud.remote import JobEvent
from shared.cloud.translate import service_error
from shared.errors import Conflict, Denied, Throttled, Unavailable
from shared.run import commands, heartbeat, reconciler
from shared.run.copies import Copies
from shared.run.ledger import Ledger
from shared.run.policy import Policy
from shared.run.record import Action
from shared.run.stages import Stage
from shared.run.workers import Workers
from tests.support.placed import MADE, START, PlacedRun, command, deploying
from tests.support.requests import request


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


# ---- stuck for ever


async def test_every_wait_has_an_end_where_ticks_are_rare(placed: PlacedRun) -> None:
    """TUNEDROP_TICK=0 */20 * * * *: each gap counts as a downtime, so nothing is ever overdue."""
    await placed.run(Stage.DEPLOYING, version=1, deployment="m-v1", fine_tuned_model=MADE)
    await placed.version()
    placed.control.there["m-v1"] = Deployment("m-v1", MADE, "Creating")
    for _ in range(3 * 24 * 10):
        await reconciler.tick(placed.ctx)
        placed.wait(minutes=20)
    assert (await placed.known()).stage is not Stage.DEPLOYING, "ten days of one"


@pytest.mark.parametrize(
    ("stage", "action"), [(Stage.TRAINING, Action.PAUSE), (Stage.PAUSED, Action.RESUME)]
)
async def test_a_command_to_a_job_that_has_ended_holds_no_run_up(
    placed: PlacedRun, stage: Stage, action: Action
) -> None:
    """409 is "another try may pass": this one never will."""
    job = placed.jobs.put("succeeded")
    await placed.run(stage, job_id=job, command=command(action))
    run = await placed.tick(10)
    assert run.stage is not stage, f"{action} is still to be carried out: {run.waiting_for}"


async def test_a_message_with_half_an_emoji_does_not_hold_a_run_up(placed: PlacedRun) -> None:
    """Cut off by the service: what commit() raises passes every net, now and for ever."""
    await placed.run(Stage.TRAINING, job_id=placed.jobs.put("running"))
    placed.jobs.events = [JobEvent("e1", "line 3: \ud83d", None)]
    run = await placed.tick(2)
    assert run.tries or run.last_event_id == "e1", "no back-off, no reason, no deadline"


async def test_a_fault_while_an_outcome_is_written_has_a_back_off_and_a_deadline(
    placed: PlacedRun,
) -> None:
    await placed.run(Stage.TRAINING, job_id=placed.jobs.put("running"))
    placed.jobs.events = [JobEvent("e1", "step 1", None)]
    runs = placed.clients.runs
    append = runs.append

    async def faulty(name: str, line: str) -> None:
        if "step 1" in line:
            raise RuntimeError(line)
        await append(name, line)

    runs.append = faulty
    for _ in range(40):
        last = placed.at
        heart = heartbeat.Heartbeat(last=last, awake_since=START, swept=last)
        await heartbeat.write(runs, heart)
        run = await placed.tick()
        placed.wait(days=1)
    assert run.ended, f"training for 40 days, tries {run.tries}, waiting for {run.waiting_for}"


async def test_a_body_with_half_an_emoji_is_answered(placed: PlacedRun) -> None:
    await placed.run(Stage.READY)
    broken = request("m-1", "cancel", b'{"why": "\\ud83d"}')
    response = await api.command(broken, placed.ctx)
    assert response.status_code in (202, 400)


async def test_a_command_that_was_entered_is_answered_with_202(placed: PlacedRun) -> None:
    """It is in the record, and the next tick carries it out; the caller reads that it is not."""
    await placed.run(Stage.READY)

    def hangs(name: str) -> Any:
        raise Unavailable("Storage answered 503.")

    placed.clients.runs.lease = hangs
    response = await api.command(request("m-1", "cancel"), placed.ctx)
    assert (await placed.known()).command
    assert response.status_code == 202


# ---- the end: files, marker, log


async def test_the_files_of_an_ended_run_go_once_its_job_has_ended(placed: PlacedRun) -> None:
    """Before the rewrite such a run kept its marker (`_leave`)."""
    job = placed.jobs.put("running")
    await placed.run(Stage.FAILED, Stage.TRAINING, job_id=job)
    await placed.tick()
    placed.jobs.put("succeeded", name=job)
    await placed.tick(3)
    assert not placed.jobs.names, "a file is left at the service for good"


async def test_a_deletion_of_files_is_logged_although_the_worker_dies(placed: PlacedRun) -> None:
    """Before the rewrite the line came first."""
    await placed.run(Stage.FAILED, Stage.UPLOADED)
    runs = placed.clients.runs
    append = runs.append

    async def dies(name: str, line: str) -> None:
        runs.append = append
        raise Unavailable("kill -9")

    runs.append = dies
    await placed.tick(3)
    assert await placed.messages("files"), "deleted, and no line says so"


async def test_the_log_says_which_of_its_lines_never_was(placed: PlacedRun) -> None:
    await placed.version()
    await deploying(placed)
    ask = placed.jobs.ask

    async def cancelled_meanwhile(*args: Any) -> str:
        await commands.give("m-1", Action.CANCEL, "Ada", "", placed.ctx)
        return await ask(*args)

    placed.jobs.ask = cancelled_meanwhile  # type: ignore[method-assign, assignment]
    run = await placed.tick(3)
    assert run.stage is Stage.CANCELLED
    assert await placed.messages("conflict") == [
        "model answered, while the run was changed by another"
    ]


async def test_who_cancelled_first_stays_who_cancelled(
    placed: PlacedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    await placed.run(Stage.TRAINING, job_id=placed.jobs.put("running"))
    amend = Ledger.amend

    async def ada_is_quicker(self: Ledger, *args: Any) -> Any:
        monkeypatch.setattr(Ledger, "amend", amend)
        await commands.give("m-1", Action.CANCEL, "Ada", "", placed.ctx)
        return await amend(self, *args)

    monkeypatch.setattr(Ledger, "amend", ada_is_quicker)
    await commands.give("m-1", Action.CANCEL, "Bob", "", placed.ctx)
    given = (await placed.known()).command
    assert given
    assert given.who == "Ada"


async def test_what_was_paid_for_does_not_start_over_by_a_drop(placed: PlacedRun) -> None:
    """Attempt 1 was trained for days, attempt 2 cancelled before its job."""
    run = await placed.run(Stage.CANCELLED, Stage.CHECKED, attempt=2, past_jobs=("J1",))
    assert not run.may_start_over


# ---- back-off


async def test_a_throttled_probe_backs_off_and_says_why(placed: PlacedRun) -> None:
    await placed.version()
    await deploying(placed)
    placed.jobs.refusal = Throttled("429", retry_after=600)
    run = await placed.tick()
    assert run.stage is Stage.PROBING
    assert run.waiting_for, "429 for six hours, and nobody is told"


async def test_unanswered_creates_back_off_further_each_time(placed: PlacedRun) -> None:
    await placed.run(Stage.SUBMITTING)

    async def gone() -> None:
        placed.jobs.before_submit = gone
        raise Unavailable("no answer")

    placed.jobs.before_submit = gone
    for _ in range(12):
        await reconciler.tick(placed.ctx)
        placed.wait(minutes=1)
    assert (await placed.known()).tries > 1, "each look while it is in flight forgets them"


# ---- what statuses mean


class Response:
    headers: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, status: int) -> None:
        self.status_code, self.reason = status, "x"


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_identity_that_answers_badly_is_no_refusal_of_storage(status: int) -> None:
    """azure-identity attaches the answer of the identity's own endpoint."""
    error = ClientAuthenticationError("no identity", response=Response(status))  # type: ignore[arg-type]
    assert isinstance(service_error("Storage", "reach runs/x", error), Denied)


def test_storage_ends_no_run_by_a_400() -> None:
    """Before the rewrite every such answer of storage was an outage; now a job is cancelled."""
    error = HttpResponseError("?", response=Response(400))  # type: ignore[arg-type]
    assert isinstance(service_error("Storage", "reach runs/x", error), Unavailable)


def test_an_answer_that_was_garbled_is_no_refusal() -> None:
    """200 with the page of a proxy."""
    error = DecodeError("JSON is invalid", response=Response(200))  # type: ignore[arg-type]
    assert isinstance(service_error("Azure Resource Manager", "read it", error), Unavailable)


def test_a_download_that_breaks_off_is_not_the_identitys_fault() -> None:
    """IncompleteReadError, and what the storage SDK makes of it, have no response."""
    found = service_error("Storage", "reach runs/x", HttpResponseError("broken off"))
    assert "identity" not in found.message, found.message


# ---- doubles and copies


async def test_memory_refuses_a_lease_that_has_run_out() -> None:
    """Storage: 412 LeaseNotPresentWithBlobOperation, or LeaseLost."""
    container = MemoryContainer("c")
    await container.put("a", b"", "")
    async with container.lease("a") as lease:
        container.break_leases()
        with pytest.raises(Conflict):
            await container.delete("a", lease)


async def test_the_sides_of_two_datasets_are_two() -> None:
    container = MemoryContainer("c")
    for name in "ab":
        lines = [{"messages": [{"role": "user", "content": f"{name}{n}"}]} for n in range(40)]
        await container.put(name, "".join(json.dumps(x) + "\n" for x in lines).encode(), "")
    a, b = [blob async for blob in container.list()]
    async with Copies(Workers(Policy()).split) as copies:
        digests = [(await copies.whole(container, *blob.version)).sha256 for blob in (a, b)]
        first = (await copies.sides(container, *a.version, digests[0])).training
        await copies.sides(container, *b.version, digests[1])
        assert b'"b1"' not in first.read_bytes() and b"a1" in first.read_bytes()


async def test_a_document_that_is_a_command_is_explained(placed: PlacedRun) -> None:
    response: Any = await api.document(request("m-1", "cancel"), placed.ctx)
    assert "`tunedrop cancel m-1`" in json.loads(response.body)["error"]["fix"]
