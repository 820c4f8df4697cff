"""The costs of a month as the app's records tell them: the bill of a run, and what nobody tells."""

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request

from shared import cost_api
from shared.run import costing, removal
from shared.run.record import Action, Predicted, Run, Transition
from shared.run.stages import Stage
from shared.run.trainings import trainings
from tests.support.limits import dropped, limited
from tests.support.moments import START, after, run_in
from tests.support.runs import RunHarness

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


async def cost(harness: RunHarness, query: str = "", status: int = 200) -> Any:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    answered = await cost_api.cost(Request(scope), harness.ctx)
    assert answered.status_code == status
    return json.loads(bytes(answered.body))


# ---- one run after another


async def test_a_run_that_serves_has_its_training_and_its_hours(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    since = model.versions[0].hosted[0].since
    await harness.pause((since + 10 * HOUR - harness.ctx.now()).total_seconds())
    known = await cost(harness)
    (told,) = known["models"]
    assert (told["model"], told["comparing"]) == (harness.model, None)
    (version,) = told["hosting"]["versions"]
    assert (version["hours"], version["usd"], version["deployed"]) == (10.0, 17.0, True)
    (trained,) = told["training"]["runs"]
    assert (trained["run"], trained["without_model"]) == (run.id, False)
    assert trained["billed"]["tokens"] == run.trained_tokens
    assert run.predicted
    assert trained["predicted"]["tokens"] == run.predicted.tokens
    assert told["usd"] == pytest.approx(17.0 + trained["billed"]["usd"], abs=1e-3)
    left = START + 30 * DAY - harness.ctx.now()
    rest = known["total"]["projected_usd"] - known["total"]["usd"]
    assert rest == pytest.approx(1.7 * (left / HOUR), abs=1e-3)
    assert known["total"]["usd_per_hour"] == 1.7
    assert (known["ceiling"], known["problems"]) == (None, [])
    assert "region is not known" in known["notices"][0]


async def test_a_job_under_way_is_in_the_projection_with_what_was_predicted(
    harness: RunHarness,
) -> None:
    run = await harness.queued()
    (told,) = (await cost(harness))["models"]
    assert run.predicted
    assert told["usd"] == 0
    assert told["projected_usd"] == pytest.approx(run.predicted.usd, abs=1e-4)
    assert told["training"]["runs"][0]["ended"] is None


async def test_a_cancelled_job_is_said_to_cost_what_nobody_tells(harness: RunHarness) -> None:
    run = await harness.queued()
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    known = await cost(harness)
    (told,) = known["models"]
    assert told["training"]["runs"][0]["without_model"]
    assert (told["usd"], told["unknown"]) == (0, 1)
    (said,) = [n for n in known["notices"] if run.id in n]
    assert "one that was cancelled is billed" in said


async def test_each_month_and_each_model_has_its_own(harness: RunHarness) -> None:
    await harness.drop()
    await harness.until(await harness.received(), Stage.SERVING)
    await harness.pause((40 * DAY).total_seconds())
    november, december = await cost(harness, "month=2026-11"), await cost(harness)
    assert (november["month"], december["month"]) == ("2026-11", "2026-12")
    assert [len(m["training"]["runs"]) for m in (november["models"] + december["models"])] == [1, 0]
    assert november["total"]["usd"] == november["total"]["projected_usd"], "it is over"
    assert (await cost(harness, "month=2026-10"))["models"] == []
    ahead = await cost(harness, "month=2027-01")
    assert (ahead["total"]["usd"], ahead["total"]["projected_usd"]) == (0, 1.7 * 744)
    assert (await cost(harness, f"model={harness.model}&month=2026-11"))["models"]
    for unknown in ("nobody", "../x", harness.model[:-1]):
        error = (await cost(harness, f"model={unknown}", 404))["error"]
        assert "no model" in error["message"]
    assert "YYYY-MM" in (await cost(harness, "month=November", 400))["error"]["fix"]


async def test_a_run_that_was_dropped_long_before_is_of_the_month_in_which_it_was_trained() -> None:
    harness = limited()
    run = await dropped(harness, b"start: manual")
    run = await harness.until(run, Stage.READY)
    await harness.pause((120 * DAY).total_seconds())
    await harness.until(await harness.command(run, Action.START), Stage.SERVING)
    assert (await cost(harness))["month"] == "2027-03"
    (told,) = (await cost(harness))["models"]
    assert [part["run"] for part in told["training"]["runs"]] == [run.id]


async def test_what_cannot_be_read_is_told_and_the_others_are_counted(harness: RunHarness) -> None:
    await harness.drop()
    await harness.until(await harness.received(), Stage.SERVING)
    await harness.ctx.clients.models.put("broken.json", b"{", "application/json")
    known = await cost(harness)
    assert [model["model"] for model in known["models"]] == [harness.model]
    assert "broken.json" in known["problems"][0]["message"]


async def test_more_runs_than_are_read_are_said(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costing, "MOST_RUNS", 0)
    await harness.drop()
    await harness.until(await harness.received(), Stage.SERVING)
    known = await cost(harness)
    assert "the newest 0 are counted" in known["problems"][0]["message"]
    assert known["models"][0]["training"]["runs"] == []


async def test_a_ceiling_is_told_with_when_it_is_passed() -> None:
    harness = limited(monthly_hosting_ceiling=100.0)
    await harness.until(await dropped(harness), Stage.SERVING)
    known = await cost(harness)
    assert known["ceiling"]["usd"] == 100.0
    assert 0 < known["ceiling"]["too_much_per_hour"] < 1.7
    assert known["ceiling"]["passed_at"].startswith("2026-11-0")
    assert "TUNEDROP_MONTHLY_HOSTING_CEILING allows $100.00" in known["notices"][-1]
    assert (await cost(harness, f"model={harness.model}"))["ceiling"] is None, "of all models"


# ---- what is deleted


async def deleted(harness: RunHarness, run: Run) -> None:
    """Its record goes, then its version's."""
    model = await harness.ctx.registry.load(harness.model)
    assert model
    left = removal.left_of(run, model.of_run(run.id), trainings(run, ""))
    await removal.remove(run.id, left, harness.ctx)


async def test_what_is_deleted_has_cost_what_it_has_cost(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    await harness.until_inactive()
    await harness.pause((40 * DAY).total_seconds())
    await harness.ctx.registry.note_unhosted(harness.model, 1, harness.ctx.now())
    months = ("month=2026-11", "month=2026-12")
    before = [await cost(harness, month) for month in months]
    await deleted(harness, run)
    assert [await cost(harness, month) for month in months] == before, "its version counts once"
    await harness.ctx.clients.models.delete(f"{harness.model}.json")
    assert [await cost(harness, month) for month in months] == before
    alone = await cost(harness, f"{months[0]}&model={harness.model}")
    assert alone["models"] == before[0]["models"]
    assert (await cost(harness, "month=2027-01"))["models"] == []
    ceiling = await costing.hosting_costs(harness.ctx)
    assert ceiling.hosted.usd == pytest.approx(before[1]["total"]["hosting"]["usd"], abs=1e-3)


async def test_a_later_version_of_the_same_run_is_another(harness: RunHarness) -> None:
    """The same files dropped again after the model was deleted make the same run."""
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    await harness.until_inactive()
    await harness.pause(HOUR.total_seconds())
    registry = harness.ctx.registry
    await registry.note_unhosted(harness.model, 1, harness.ctx.now())
    model = await registry.load(harness.model)
    assert model
    await deleted(harness, run)
    await harness.ctx.clients.models.delete(f"{model.name}.json")
    again = model.versions[0].replace(created_at=harness.ctx.now(), hosted=())
    await registry.add_version(model.name, again)
    await registry.note_hosted(model.name, 1, harness.ctx.now())
    await harness.pause(HOUR.total_seconds())
    (told,) = (await cost(harness))["models"]
    assert [part["deployed"] for part in told["hosting"]["versions"]] == [True, False]
    assert told["hosting"]["versions"][0]["hours"] == 1.0
    assert told["hosting"]["versions"][1]["hours"] > 1.0
    assert len(told["training"]["runs"]) == 1


async def test_what_is_left_of_a_deletion_and_cannot_be_read_is_told(harness: RunHarness) -> None:
    await harness.ctx.clients.runs.put("deleted/one-1", b"[]", "application/json")
    known = await cost(harness)
    assert "deleted/one-1" in known["problems"][0]["message"]
    assert (await cost(harness, "month=2026-12"))["problems"] == [], "of a later month it is none"
    assert (await costing.hosting_costs(harness.ctx)).models == ()


# ---- which jobs a run has had


def timeline(*stages: Stage) -> tuple[Transition, ...]:
    return tuple(Transition(stage=s, at=after(hours=n)) for n, s in enumerate(stages))


S = Stage


@pytest.mark.parametrize(
    ("stages", "known", "expected"),
    [
        ((S.RECEIVED, S.CHECKED, S.UPLOADED, S.SUBMITTING), {}, []),
        ((S.RECEIVED, S.REJECTED), {}, []),
        ((S.SUBMITTING, S.SUBMITTED), {"job_id": "j"}, [(None, False)]),
        ((S.SUBMITTED, S.TRAINING, S.PAUSED), {"job_id": "j"}, [(None, False)]),
        ((S.SUBMITTED, S.TRAINED, S.DEPLOYING), {"fine_tuned_model": "m"}, [(1, False)]),
        (
            (S.SUBMITTED, S.TRAINED, S.FAILED, S.TRAINED, S.SERVING),
            {"job_id": "j", "fine_tuned_model": "m"},
            [(1, False)],
        ),
        ((S.SUBMITTED, S.TRAINING, S.FAILED), {"job_id": "j"}, [(2, True)]),
        (
            (S.SUBMITTED, S.FAILED, S.CHECKED, S.UPLOADED, S.SUBMITTED, S.TRAINED, S.SERVING),
            {"job_id": "j", "fine_tuned_model": "m"},
            [(5, False), (1, True)],
        ),
        # "retry" where the job is alive: it is the same one
        (
            (S.SUBMITTED, S.CANCELLED, S.SUBMITTED, S.TRAINED, S.SERVING),
            {"job_id": "j", "fine_tuned_model": "m"},
            [(3, False)],
        ),
        # found only when the run was ended
        ((S.SUBMITTING, S.CANCELLED), {"job_id": "j"}, [(1, True)]),
    ],
)
def test_a_job_counts_once_when_it_is_over(
    stages: tuple[Stage, ...], known: dict[str, Any], expected: list[tuple[int | None, bool]]
) -> None:
    run = run_in(stages[-1], **known).replace(timeline=timeline(*stages), trained_tokens=1_000_000)
    found = [(job.ended, job.lost) for job in trainings(run, "")]
    assert found == [(hour if hour is None else after(hours=hour), lost) for hour, lost in expected]
    for job in trainings(run, "swedencentral"):
        assert job.billed == (1_000_000 if job.ended and not job.lost else None)
        assert (job.usd is None) == job.lost, "what nobody tells is not nothing"


def test_the_bill_is_by_the_tokens_that_the_service_reports_and_the_price_of_the_region() -> None:
    run = run_in(Stage.SERVING, fine_tuned_model="m", trained_tokens=2_000_000)
    run = run.replace(
        timeline=timeline(S.SUBMITTED, S.TRAINED, S.SERVING),
        predicted=Predicted(tokens=1_000_000, usd=1.5, at_most=True),
    )
    (job,) = trainings(run, "swedencentral")
    assert (job.predicted, job.predicted_usd, job.at_most) == (1_000_000, 1.5, True)
    assert job.billed == 2_000_000
    assert job.billed_usd == pytest.approx(3.0, rel=1e-9)
    there = run.spec.model_copy(update={"training_type": "standard"})
    (job,) = trainings(run.replace(spec=there, predicted=None), "swedencentral")
    assert job.billed_usd == pytest.approx(3.63), "3.96 in the dearest region"
    assert (job.predicted, job.predicted_usd, job.at_most) == (None, None, False)
    unknown = run.replace(spec=run.spec.model_copy(update={"base_model": "Qwen3-32B"}))
    (job,) = trainings(unknown, "swedencentral")
    assert (job.billed, job.usd) == (2_000_000, None)
