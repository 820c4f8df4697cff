"""What others are told of: each end of a run, each change of a champion, and whatever else needs a
person; each once, with an id of its own, as a CloudEvent, and with nothing of a dataset in it."""

import json
from typing import Any

import jsonschema
import pytest

from shared.run import reconciler
from shared.run.notifications import ID, KINDS, Kind, as_event, notification
from shared.run.outbox import Outbox
from shared.run.record import Action
from shared.run.stages import ENDS, Stage
from tests.support.placed import START
from tests.support.receiver import Receiver, delivered, model_of, waiting
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY

# The attributes of CloudEvents 1.0 by their rules in the specification and its JSON format.
CLOUD_EVENT = {
    "type": "object",
    "required": ["id", "source", "specversion", "type", "subject", "time", "datacontenttype"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1, "pattern": r"^/[A-Za-z0-9/_.-]+$"},
        "specversion": {"const": "1.0"},
        "type": {"type": "string", "pattern": r"^dev\.tunedrop\.[a-z.-]+$"},
        "subject": {"type": "string", "minLength": 1},
        "time": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},  # RFC 3339
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
    "additionalProperties": False,
}


async def kept(telling: RunHarness) -> list[Any]:
    outbox = Outbox(telling.ctx.clients.runs)
    found = [await outbox.read(blob.name) for blob in await outbox.waiting()]
    return [one[0] for one in found if one]


async def test_a_run_that_serves_is_told_with_its_promotion(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    await delivered(telling)
    assert sorted(there.kinds()) == ["model.promoted", "run.serving"]
    assert len(set(there.ids)) == 2
    by_kind = dict(zip(there.kinds(), there.events, strict=True))
    end, promoted = by_kind["run.serving"], by_kind["model.promoted"]
    assert (end["subject"], end["data"]["version"]) == (run.id, 1)
    (change,) = (await model_of(telling)).history
    assert promoted["data"]["change"] == change.id
    assert (promoted["data"]["version"], promoted["data"]["before"]) == (1, None)
    assert await waiting(telling) == []


async def test_what_is_sent_is_a_cloud_event_in_its_structured_form(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop()
    await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    await delivered(telling)
    for request in there.requests:
        jsonschema.validate(request.event, CLOUD_EVENT)
        assert request.event["id"] == request.headers["webhook-id"]
        kind = Kind(request.event["type"].removeprefix("dev.tunedrop."))
        assert set(request.event["data"]) == set(KINDS[kind].data)


@pytest.mark.parametrize(
    ("fault", "stage"), [("job-failed", Stage.FAILED), ("job-stuck", Stage.CANCELLED)]
)
async def test_a_run_that_does_not_serve_is_told_with_its_reason(
    telling: RunHarness, there: Receiver, fault: str, stage: Stage
) -> None:
    telling.service.arm(fault)
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.SUBMITTED, stage)
    if stage is Stage.CANCELLED:
        run = await telling.command(run, Action.CANCEL)
    run = await telling.until(run, stage)
    await telling.until_inactive()
    await delivered(telling)
    (event,) = there.events
    assert event["type"] == f"dev.tunedrop.run.{stage}"
    assert run.failure
    assert (event["data"]["message"], event["data"]["fix"]) == (
        run.failure.message,
        run.failure.fix,
    )


async def test_each_end_of_a_run_that_is_reopened_is_told(
    telling: RunHarness, there: Receiver
) -> None:
    telling.service.arm("job-failed")
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.FAILED)
    await telling.until_inactive()
    telling.service.arm("job-failed")
    await telling.until(await telling.command(run, Action.RETRY), Stage.FAILED)
    await telling.until_inactive()
    await delivered(telling)
    assert there.kinds() == ["run.failed", "run.failed"]
    assert len(set(there.ids)) == 2


async def test_a_rejected_dataset_is_told_without_a_word_of_it(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop(b'{"messages": [{"role": "user", "content": "the secret of the line"}]}\n')
    await telling.until(await telling.received(), Stage.REJECTED)
    await telling.until_inactive()
    await delivered(telling)
    (request,) = there.requests
    assert request.event["type"] == "dev.tunedrop.run.rejected"
    assert b"the secret" not in request.body


async def test_a_held_version_is_told_and_not_as_promoted(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop(b"promote: manual\n", "run.yaml")
    await telling.drop()
    await telling.until(await telling.received(), Stage.HELD)
    await telling.until_inactive()
    await delivered(telling)
    assert there.kinds() == ["run.held"]
    assert "promote: manual" in there.events[0]["data"]["message"]


async def test_a_run_whose_files_were_replaced_is_told(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop(b"start: manual\n", "run.yaml")
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.READY)
    await telling.ctx.clients.datasets.delete(telling.path("training.jsonl"))
    await telling.until(run, Stage.SUPERSEDED)
    await telling.until_inactive()
    await delivered(telling)
    assert there.kinds() == ["run.superseded"]


def test_every_end_of_a_run_has_a_kind() -> None:
    assert {f"run.{stage}" for stage in ENDS} == {kind for kind in Kind if kind.startswith("run.")}
    assert set(KINDS) == set(Kind)


async def test_an_end_that_cannot_be_kept_is_not_the_end_of_care(telling: RunHarness) -> None:
    """It is finalized again, file by file, until storage takes it."""
    telling.service.arm("job-failed")
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.FAILED)
    for _ in range(3):
        await reconciler.advance(run.id, telling.ctx)
        await telling.pause(60)
    assert len(await waiting(telling)) == 1


# ---- one notification


async def test_nothing_is_kept_where_nobody_is_told() -> None:
    telling = RunHarness.in_memory(IN_MEMORY, "captain")
    await telling.drop()
    await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    names = [blob.name async for blob in telling.ctx.clients.runs.list()]
    assert not [name for name in names if name.startswith(("outbox/", "notified/"))]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_has_the_same_data_each_time(kind: Kind) -> None:
    one = notification(kind, "s", {}, "id-1", START)
    assert tuple(one.data) == KINDS[kind].data
    with pytest.raises(AssertionError):
        notification(kind, "s", {"prompt": "x"}, "id-1", START)


@pytest.mark.parametrize("id", ["", "a.b", "a/b", "a b", "x" * 201])
def test_an_id_can_be_signed_and_be_a_blobs_name(id: str) -> None:
    assert not ID.fullmatch(id)


def test_texts_are_bounded_and_can_be_sent() -> None:
    data = {"name": "\ud800" + "x" * 10_000, "message": None, "waits": True}
    one = notification(Kind.DROP_REFUSED, "\ud800", data, "id-1", START)
    event = json.loads(as_event(one, "/tunedrop/a/b"))
    assert len(event["data"]["name"]) < 2_100
    assert event["subject"] == r"\ud800"
