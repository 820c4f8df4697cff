"""A run is named by its id or by the beginning of it; never is another one taken for it."""

import json
from typing import Any

import pytest

from shared import api
from shared.errors import CallerError, NotFound
from shared.run import ids
from shared.run.record import Action, Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.requests import request
from tests.support.runs import RunHarness


async def entered(harness: RunHarness, run: Run, run_id: str) -> Run:
    other = run.replace(id=run_id)
    assert await harness.ledger.create(other)
    return other


async def test_a_run_is_found_by_its_id_and_by_eight_digits_or_more_of_it(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.received()
    for asked in (run.id, ids.short(run.id), run.id[:-1]):
        assert await harness.ledger.resolve(asked) == run.id


@pytest.mark.parametrize(
    "cut", [lambda id: id[: id.rindex("-") + 8], lambda id: id + "0", lambda id: id[1:]]
)
async def test_less_more_or_something_else_finds_nothing(harness: RunHarness, cut: Any) -> None:
    await harness.drop()
    run = await harness.received()
    with pytest.raises(NotFound, match="There is no run"):
        await harness.ledger.resolve(cut(run.id))


@pytest.mark.parametrize(
    "asked", ["", "active", "newest", "reconciler", "m", "x" * 5000, "m-\x1b[31m", "*", "drops"]
)
async def test_what_is_no_id_finds_nothing_and_is_named_printably(
    harness: RunHarness, asked: str
) -> None:
    with pytest.raises(NotFound) as none:
        await harness.ledger.resolve(asked)
    assert none.value.message.isprintable()
    assert len(none.value.message) < 200


async def test_a_beginning_of_several_is_refused_and_lists_them(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    others = [await entered(harness, run, f"{run.id[:-3]}{n:03}") for n in range(12)]
    known = sorted({run.id, *(other.id for other in others)})
    with pytest.raises(CallerError, match=f"{len(known)} runs begin with") as several:
        await harness.ledger.resolve(ids.short(run.id))
    assert [one for one in known if one in several.value.fix] == known[:10]
    assert await harness.ledger.resolve(run.id) == run.id  # the whole id is never ambiguous


async def test_a_run_of_before_whose_id_begins_another_is_found_by_its_own(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.received()
    before = await entered(harness, run, ids.earlier_id(run.model, run.digest))
    assert run.id.startswith(before.id)
    assert await harness.ledger.resolve(before.id) == before.id


async def test_a_model_called_like_a_run_is_not_in_its_way(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    short = ids.short(run.id)
    await entered(harness, run.replace(model=short), f"{short}-{'0' * 32}")
    assert await harness.ledger.resolve(short) == run.id


async def test_a_marker_without_a_record_is_no_run(harness: RunHarness) -> None:
    """A worker died between the two: there is only a log."""
    run_id = f"{harness.model}-{'a' * 32}"
    await harness.ctx.clients.runs.put(f"{run_id}/events.jsonl", b"", "")
    with pytest.raises(NotFound):
        await harness.ledger.resolve(ids.short(run_id))


async def test_every_route_takes_the_short_form(harness: RunHarness) -> None:
    await harness.drop(b"start: manual", "run.yaml")
    await harness.drop(dataset(10, harness.model))
    run = await harness.until(await harness.received(), Stage.READY)
    short = ids.short(run.id)
    one: Any = await api.run(request(short), harness.ctx)
    assert json.loads(one.body)["id"] == run.id
    report: Any = await api.document(request(short, "report.json"), harness.ctx)
    assert json.loads(report.body)["run"] == run.id
    given: Any = await api.command(request(short, Action.START, b'{"who": "Ada"}'), harness.ctx)
    assert (given.status_code, json.loads(given.body)["id"]) == (202, run.id)
    missing: Any = await api.run(request(f"{short}0000"), harness.ctx)
    assert missing.status_code == 404


async def test_a_route_says_400_to_what_means_several(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    other = await entered(harness, run, f"{run.id[:-1]}{'0' if run.id[-1] != '0' else '1'}")
    for route, name in (api.run, ""), (api.command, "cancel"), (api.document, "report.json"):
        asked = request(ids.short(run.id), name)
        answer: Any = await route(asked, harness.ctx)
        assert answer.status_code == 400
        assert other.id in json.loads(answer.body)["error"]["fix"]
    assert (await harness.known(run.id)).command is None
