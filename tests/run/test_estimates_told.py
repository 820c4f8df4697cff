"""How a wait, an estimate and a warning are told, and the figures at which each begins."""

from datetime import timedelta

import pytest

from shared.run import estimates
from shared.run.record import Epoch, Predicted, Progress, Run, Transition
from shared.run.stages import Stage
from tests.support.moments import START, after, run_in


def epochs(*valid: float | None) -> list[Epoch]:
    return [
        Epoch(step=10 * n, train_loss=1 / n, valid_loss=loss) for n, loss in enumerate(valid, 1)
    ]


# ---- the bill


def billed(
    trained: int | None, base: str = "gpt-4.1-nano-2025-04-14", tier: str = "standard"
) -> Run:
    run = run_in(Stage.TRAINED)
    spec = run.spec.model_copy(update={"base_model": base, "training_type": tier})
    predicted = Predicted(tokens=1_000_000, usd=1.65)
    return run.replace(spec=spec, predicted=predicted, trained_tokens=trained)


def test_what_was_predicted_and_what_was_billed_stand_side_by_side() -> None:
    assert estimates.bill(billed(None), "northcentralus") is None
    assert estimates.bill(billed(1_100_000), "northcentralus") == {
        "predicted": {"tokens": 1_000_000, "usd": 1.65, "at_most": False},
        "billed": {"tokens": 1_100_000, "usd": 1.815},
        "difference": 0.1,
    }


def test_a_bill_is_that_of_the_region_and_unknown_where_no_price_is_known() -> None:
    there = estimates.bill(billed(1_000_000), "swedencentral")
    assert there
    assert there["billed"]["usd"] == 1.815
    unknown = estimates.bill(billed(1_000_000, "Qwen3-32B", "globalStandard"), "")
    assert unknown
    assert unknown["billed"] == {"tokens": 1_000_000, "usd": None}


def test_a_run_from_before_predictions_were_kept_has_a_bill_without_one() -> None:
    old = estimates.bill(billed(1_000_000).replace(predicted=None), "")
    assert old
    assert (old["predicted"], old["difference"]) == (None, None)


# ---- as people and programs are told


@pytest.mark.parametrize(
    ("age", "state", "says"),
    [
        (timedelta(minutes=30), "no", "Normal: checked may see nothing new for 30 minutes."),
        (timedelta(minutes=31), "slow", "Nothing new for 31 minutes while checked; up to 30 "),
        (timedelta(minutes=60), "slow", "Nothing new for 60 minutes "),
        (timedelta(minutes=61.9), "stuck", "Nothing new for 61 minutes "),
        (timedelta(minutes=119), "stuck", "Nothing new for 119 minutes "),
        (timedelta(minutes=120), "stuck", "Nothing new for 2 hours "),
        (timedelta(minutes=179), "stuck", "Nothing new for 2 hours "),
        (timedelta(hours=47), "stuck", "Nothing new for 47 hours "),
        (timedelta(hours=48), "stuck", "Nothing new for 2 days "),
        (timedelta(hours=71), "stuck", "Nothing new for 2 days "),
        (timedelta(hours=144), "stuck", "Nothing new for 6 days "),
    ],
)
def test_a_wait_says_how_long_it_is_and_how_long_is_normal(
    age: timedelta, state: str, says: str
) -> None:
    wait = estimates.stuck(run_in(Stage.CHECKED), START + age)
    assert wait
    assert (wait.state, wait.normal_seconds) == (state, 1800)
    assert wait.message.startswith(says)
    if state != "no":
        assert (
            "It is abandoned at 2026-11-08 00:00 UTC; `tunedrop cancel m-1` ends it" in wait.message
        )


def test_what_is_in_the_way_is_told_after_how_long_it_has_been() -> None:
    wait = estimates.stuck(run_in(Stage.CHECKED, waiting_for="No room."), after(hours=1))
    assert wait
    assert wait.message.startswith("Nothing new for 60 minutes")
    assert wait.message.endswith("In the way: No room.")


def test_one_minute_is_one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(estimates.NORMAL, Stage.CHECKED, timedelta(seconds=59))
    wait = estimates.stuck(run_in(Stage.CHECKED), after(seconds=119))
    assert wait
    assert wait.message.startswith("Nothing new for 1 minute while checked; up to 0 minutes is ")


def test_a_comparison_that_takes_long_is_told_and_is_not_said_to_be_abandoned() -> None:
    wait = estimates.stuck(run_in(Stage.COMPARING), after(hours=2))
    assert wait and wait.state == "stuck"
    assert "abandoned" not in wait.message
    assert "`tunedrop cancel m-1` ends it" in wait.message


@pytest.mark.parametrize("stage", [Stage.TRAINED, Stage.DEPLOYING, Stage.PROBING, Stage.COMPARING])
def test_a_trained_model_is_ten_minutes_from_its_first_answer(stage: Stage) -> None:
    at = after(minutes=4)
    eta = estimates.estimate(run_in(stage), at)
    assert eta == estimates.Eta(0, 0, 360, after(minutes=10), "ten minutes are assumed")
    late = estimates.estimate(run_in(stage), after(minutes=15))
    over = "it takes longer than the ten minutes assumed"
    assert late == estimates.Eta(0, 0, None, None, over)


def test_the_ten_minutes_begin_once_and_not_at_each_stage() -> None:
    run = run_in(Stage.COMPARING).replace(
        timeline=(
            Transition(stage=Stage.TRAINED, at=START),
            Transition(stage=Stage.DEPLOYING, at=after(minutes=3)),
            Transition(stage=Stage.COMPARING, at=after(minutes=6)),
        )
    )
    eta = estimates.estimate(run, after(minutes=7))
    assert eta and (eta.provisioning, eta.finish) == (180, after(minutes=10))


@pytest.mark.parametrize("minutes", [10, 11, 19])
def test_the_finish_is_one_moment_until_the_job_has_moved(minutes: float) -> None:
    """It came later with each look, as if the job had stood still since its last step."""
    progress = Progress(step=50, total_steps=100, changed_at=after(minutes=10))
    eta = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=minutes))
    assert eta and eta.finish == after(minutes=30)
    assert eta.training == (20 - minutes) * 60


def test_a_job_slower_than_its_pace_has_no_estimate_instead_of_no_time_left() -> None:
    progress = Progress(step=14, total_steps=18, changed_at=after(minutes=14))
    eta = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=18))
    assert eta and (eta.training, eta.finish) == (None, None)
    assert eta.basis == "the job is slower than its pace so far"


def test_after_a_pause_the_steps_before_it_make_the_pace() -> None:
    progress = Progress(step=5, total_steps=10, changed_at=after(minutes=8))
    run = run_in(Stage.TRAINING, progress=progress).replace(
        timeline=(
            Transition(stage=Stage.TRAINING, at=START),
            Transition(stage=Stage.PAUSED, at=after(minutes=10)),
            Transition(stage=Stage.TRAINING, at=after(minutes=30)),
        )
    )
    eta = estimates.estimate(run, after(minutes=31))
    assert eta and eta.training == 5 * 60


@pytest.mark.parametrize(
    ("stage", "basis"),
    [
        (Stage.SUBMITTED, "a queued job has no estimate yet"),
        (Stage.UPLOADED, "there is no job yet"),
        (Stage.TRAINING, "the service has given no estimate yet"),
    ],
)
def test_what_cannot_be_estimated_is_not_and_says_why(stage: Stage, basis: str) -> None:
    eta = estimates.estimate(run_in(stage), after(minutes=4))
    assert eta
    assert (eta.training, eta.finish, eta.provisioning, eta.basis) == (None, None, 600, basis)


def test_five_steps_make_a_pace_until_the_last_of_them_was_seen() -> None:
    progress = Progress(
        step=5, total_steps=10, estimated_finish=after(hours=3), changed_at=after(minutes=10)
    )
    eta = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=12))
    assert eta
    assert (eta.training, eta.basis) == (480, "the pace so far")


@pytest.mark.parametrize(
    "progress",
    [
        Progress(step=10, total_steps=10, changed_at=after(minutes=10)),
        Progress(step=11, total_steps=10, changed_at=after(minutes=10)),
    ],
)
def test_a_job_whose_steps_are_done_trains_no_longer(progress: Progress) -> None:
    eta = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=12))
    assert eta
    assert (eta.training, eta.finish) == (0, after(minutes=20))


def test_an_estimate_of_the_service_that_has_passed_is_none() -> None:
    progress = Progress(estimated_finish=after(minutes=9))
    eta = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=10))
    assert eta
    assert (eta.training, eta.finish) == (None, None)
    assert eta.basis == "the service's own estimate has passed"


def test_an_earlier_job_of_the_run_says_nothing_of_the_pace() -> None:
    progress = Progress(step=10, total_steps=20, changed_at=after(minutes=40))
    run = run_in(Stage.TRAINING, progress=progress).replace(
        timeline=(
            Transition(stage=Stage.TRAINING, at=START),
            Transition(stage=Stage.FAILED, at=after(minutes=10)),
            Transition(stage=Stage.CHECKED, at=after(minutes=20)),
            Transition(stage=Stage.TRAINING, at=after(minutes=30)),
        )
    )
    eta = estimates.estimate(run, after(minutes=40))
    assert eta
    assert eta.training == 10 * 60


def test_what_programs_read_beside_the_record() -> None:
    run = run_in(Stage.DEPLOYING, epochs=tuple(epochs(0.9, 0.4)))
    told = estimates.as_json(run, after(minutes=4, microseconds=7))
    assert set(told) == {"stuck", "eta", "best_checkpoint"}
    assert told["stuck"]["state"] == "no"
    assert told["stuck"]["seconds"] == 240
    assert told["stuck"]["normal_seconds"] == 1800
    assert told["eta"] == {
        "queueing": 0,
        "training": 0,
        "provisioning": 360,
        "finish": "2026-11-01T00:10:00+00:00",
        "basis": "ten minutes are assumed",
    }
    assert told["best_checkpoint"]["step"] == 20
    queued = estimates.as_json(run_in(Stage.SUBMITTED), after(minutes=4))
    assert (queued["eta"]["finish"], queued["best_checkpoint"]) == (None, None)
    over = estimates.as_json(run_in(Stage.FAILED), after(minutes=4))
    assert over == {"stuck": None, "eta": None, "best_checkpoint": None}


# ---- where a warning begins


@pytest.mark.parametrize(("last", "warned"), [(1.05, False), (1.0501, True)])
def test_a_twentieth_over_the_lowest_loss_is_not_overfitting_yet(last: float, warned: bool) -> None:
    assert bool(estimates.signals(epochs(1.2, 1.0, last), [])) is warned


def test_an_epoch_without_a_validation_loss_says_nothing_of_overfitting() -> None:
    assert estimates.signals(epochs(0.5, None), []) == []
    assert estimates.signals([], []) == []


def test_divergence_is_told_with_the_lowest_and_the_latest_stretch() -> None:
    losses = [4.0] * 5 + [1.0] * 5 + [3.0] * 4 + [8.0]
    (signal,) = estimates.signals([], losses)
    assert set(signal) == {"id", "message"}
    assert signal["message"].startswith("The training loss fell to 1.000 and is back at 4.000: ")


@pytest.mark.parametrize(
    ("losses", "warned"),
    [
        ([4.0] * 5 + [1.0] * 5 + [1.5] * 5, False),  # half as much again
        ([1.2] * 5 + [1.0] * 5 + [1.5] * 5, False),
        ([2.0] * 5 + [1.0] * 5 + [1.6] * 5, True),
        ([9.0] * 5 + [1.0] * 5 + [3.0] * 5, False),  # a quarter of what was learned
        ([9.0] * 5 + [1.0] * 5 + [3.1] * 5, True),
        ([1.0] * 5 + [3.0] * 4, False),  # too short to tell
        ([1.0] * 5 + [3.0] * 5, True),
        ([1.0] * 100 + [2.0] * 9 + [1.0], True),  # a stretch is a tenth of many steps
        ([], False),
    ],
)
def test_where_divergence_begins(losses: list[float], warned: bool) -> None:
    assert bool(estimates.signals([], losses)) is warned


def test_a_bill_is_exact_to_a_hundredth_of_a_cent_and_its_difference_to_as_much() -> None:
    told = estimates.bill(billed(1_234_567), "northcentralus")
    assert told
    assert told["billed"]["usd"] == 2.037  # 1.234567 million tokens at 1.65
    assert told["difference"] == 0.2346
    assert estimates.billed_usd(billed(1_000_000_000), "northcentralus") == 1650.0
    assert estimates.billed_usd(billed(None), "northcentralus") == 0.0
