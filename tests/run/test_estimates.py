"""What people are told of a run: is it stuck, how long still, do its losses warn; the pauses."""

from datetime import timedelta

import pytest

from shared.cloud.remote import Metric
from shared.cloud.throttling import retry_after
from shared.run import estimates
from shared.run.policy import Policy
from shared.run.record import Epoch, Progress, Transition
from shared.run.results import at_ends_of_epochs, read_results
from shared.run.stages import DEADLINES, Stage
from tests.support.moments import START, after, run_in


@pytest.mark.parametrize(
    ("stage", "age", "state"),
    [
        (Stage.SUBMITTED, timedelta(hours=11), "no"),
        (Stage.SUBMITTED, timedelta(hours=13), "slow"),
        (Stage.SUBMITTED, timedelta(hours=25), "stuck"),
        (Stage.DEPLOYING, timedelta(minutes=5), "no"),
        (Stage.DEPLOYING, timedelta(hours=2), "stuck"),
    ],
)
def test_stuck_is_the_age_of_the_last_news_against_what_is_normal(
    stage: Stage, age: timedelta, state: str
) -> None:
    wait = estimates.stuck(run_in(stage), START + age)
    assert wait
    assert (wait.state, wait.seconds) == (state, age.total_seconds())


def test_a_step_of_the_job_is_news() -> None:
    moving = run_in(Stage.TRAINING, progress=Progress(step=7, changed_at=after(hours=9)))
    wait = estimates.stuck(moving, after(hours=9.5))
    assert wait
    assert wait.state == "no"


@pytest.mark.parametrize("stage", [Stage.READY, Stage.PAUSED, Stage.SERVING, Stage.FAILED])
def test_who_waits_for_a_person_or_has_ended_is_not_stuck(stage: Stage) -> None:
    assert estimates.stuck(run_in(stage), after(days=90)) is None
    assert estimates.estimate(run_in(stage), after(days=90)) is None


def test_the_pace_so_far_beats_the_services_estimate_once_there_is_one() -> None:
    progress = Progress(
        step=1, total_steps=100, estimated_finish=after(hours=3), changed_at=after(minutes=10)
    )
    early = estimates.estimate(run_in(Stage.TRAINING, progress=progress), after(minutes=10))
    assert early
    assert (early.queueing, early.training, early.basis) == (0, 10200, "the service's own estimate")
    later = estimates.estimate(
        run_in(Stage.TRAINING, progress=progress.replace(step=50)), after(minutes=10)
    )
    assert later
    assert (later.training, later.basis) == (600, "the pace so far")
    assert later.finish == after(minutes=30)  # with ten minutes of provisioning


def test_a_queue_that_says_nothing_is_not_guessed() -> None:
    eta = estimates.estimate(run_in(Stage.SUBMITTED), after(minutes=1))
    assert eta
    assert (eta.queueing, eta.training, eta.finish) == (None, None, None)


def epochs(*valid: float | None) -> list[Epoch]:
    return [
        Epoch(step=10 * n, train_loss=1 / n, valid_loss=loss) for n, loss in enumerate(valid, 1)
    ]


def test_overfitting_is_a_validation_loss_that_rises_again() -> None:
    (signal,) = estimates.signals(epochs(0.9, 0.5, 0.8), [])
    assert signal["id"] == "overfitting"
    assert "after epoch 2" in signal["message"]
    assert "step 20" in signal["message"]
    assert estimates.signals(epochs(0.9, 0.5, 0.51), []) == []
    assert estimates.signals(epochs(None, None), []) == []


def test_divergence_is_a_training_loss_that_climbs_back_not_a_noisy_one() -> None:
    falling = [2.0 / (n + 1) + (0.1 if n % 2 else 0) for n in range(40)]
    assert estimates.signals([], falling) == []
    (signal,) = estimates.signals([], [*falling, *[3.0] * 8])
    assert signal["id"] == "divergence"
    short = [4.9, 2.1, 0.6, 0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.3, 0.4, 0.5]
    assert estimates.signals([], short) == []  # nearly all of what was learned is still there


def test_the_pace_does_not_count_pauses() -> None:
    run = run_in(
        Stage.TRAINING, progress=Progress(step=10, total_steps=20, changed_at=after(minutes=40))
    )
    run = run.replace(
        timeline=(
            Transition(stage=Stage.TRAINING, at=START),
            Transition(stage=Stage.PAUSED, at=after(minutes=10)),
            Transition(stage=Stage.TRAINING, at=after(minutes=30)),
        )
    )
    eta = estimates.estimate(run, after(minutes=40))
    assert eta
    assert eta.training == 20 * 60


def test_the_best_checkpoint_has_the_lowest_validation_loss() -> None:
    best = estimates.best_checkpoint(epochs(0.9, None, 0.4, 0.6))
    assert best
    assert best.step == 30
    best = estimates.best_checkpoint(epochs(0.5, 0.0))
    assert best
    assert best.step == 20
    assert estimates.best_checkpoint(epochs(None)) is None


@pytest.mark.parametrize(
    ("steps", "n_epochs", "paused", "ends"),
    [
        ([5, 10], 1, False, [10]),  # paused between two looks: nobody has seen it
        ([5, 10, 14, 20], 2, True, [10, 20]),
        ([14, 17, 20], 3, True, [14, 20]),  # only the last three are kept
        ([10, 10, 20], 2, True, [10, 20]),  # paused at an end
        ([6, 11, 17], 3, True, [6, 11, 17]),  # epochs of five to six steps
        ([7, 12, 20], 3, False, [7, 12, 20]),  # not paused: as the service has them
        ([5, 10], None, True, [5, 10]),
        ([], 2, True, []),
    ],
)
def test_a_checkpoint_of_a_pause_is_the_end_of_no_epoch(
    steps: list[int], n_epochs: int | None, paused: bool, ends: list[int]
) -> None:
    checkpoints = [Metric(step, 1.0, None) for step in steps]
    found = at_ends_of_epochs(checkpoints, n_epochs, max(steps, default=0), paused)
    assert [one.step for one in found] == ends


def test_holes_in_the_services_table_are_no_losses() -> None:
    table = (
        "step,train_loss,train_accuracy,valid_loss\n1,0.9,0.1,-1.0\n2,,0.2,\nx,1,1,1\n3,0.7,0,0.6\n"
    )
    found = [(m.step, m.train_loss, m.valid_loss) for m in read_results(table)]
    assert found == [(1, 0.9, None), (2, None, None), (3, 0.7, 0.6)]
    assert read_results("something else entirely") == []


# ---- pauses and deadlines


def test_pauses_double_are_spread_and_end_growing() -> None:
    policy = Policy(first_pause=15)
    assert policy.pause(1, None, 0).total_seconds() == 7.5
    assert policy.pause(1, None, 1).total_seconds() == 15
    assert policy.pause(3, None, 1).total_seconds() == 60
    assert policy.pause(1000, None, 1).total_seconds() == policy.longest_pause


def test_a_retry_after_is_honoured_up_to_an_hour() -> None:
    assert Policy().pause(1, 300, 0).total_seconds() == 300
    assert Policy().pause(1, 10**9, 0).total_seconds() == 3600


@pytest.mark.parametrize("stage", DEADLINES)
def test_only_time_in_which_somebody_looked_counts_against_a_deadline(stage: Stage) -> None:
    run, late = run_in(stage), START + DEADLINES[stage] + timedelta(minutes=1)
    policy = Policy()
    assert policy.overdue(run, START, late)
    assert not policy.overdue(run, late - timedelta(minutes=5), late)
    assert not policy.overdue(run, START, late - timedelta(minutes=2))
    assert not policy.overdue(run, None, late)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "7"}, 7, 7),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25, 0.25),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}, 10**9, 10**10),
        ({"retry-after": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0, 0),
        ({"retry-after": "-3"}, 0, 0),
    ],
)
def test_each_way_to_say_when(headers: dict[str, str], least: float, most: float) -> None:
    said = retry_after(headers)
    assert said is not None
    assert least <= said <= most


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after-ms": "x"}])
def test_nothing_readable_is_nothing(headers: dict[str, str]) -> None:
    assert retry_after(headers) is None


def test_a_table_of_another_shape_has_no_steps() -> None:
    assert read_results("QUJD" * 50_000) == []  # OpenAI sends the file base64-encoded
