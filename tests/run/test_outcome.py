"""What a step's outcome makes of a run: its record and its log, without anything outside."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Refused, Unavailable
from shared.run.outcome import BY_ITSELF, LogLine, Outcome, abandon, apply, without_its_end
from shared.run.policy import Policy
from shared.run.record import (
    LONGEST_PAUSE,
    Action,
    Command,
    Epoch,
    Failure,
    File,
    Progress,
    Run,
    Transition,
)
from shared.run.spec import effective
from shared.run.stages import Event, Stage
from tests.support.settings import SETTINGS

START = datetime(2026, 11, 1, tzinfo=UTC)
NOW = START + timedelta(hours=1)
POLICY = Policy(first_pause=10.0)
FAILURE = Failure(message="It broke.", fix="Mend it.", blame="service")
COMMAND = Command(action=Action.CANCEL, who="ada", why="too dear", at=START)


def run_in(stage: Stage, **known: object) -> Run:
    return Run(
        id="m-1",
        model="m",
        stage=stage,
        spec=effective(None, SETTINGS),
        training=File(name="m/training.jsonl", etag="1", size=1, sha256="aa", file_id="file-1"),
        validation=File(name="m/validation.jsonl", etag="2", size=1, sha256="bb", file_id="file-2"),
        timeline=(Transition(stage=Stage.TRAINING, at=START),),
        **known,
    )


def applied(before: Run, outcome: Outcome) -> tuple[Run, tuple[LogLine, ...]]:
    return apply(before, outcome, POLICY, NOW, 0.0)


# ---- it moves on


def test_an_event_moves_the_run_and_clears_what_was_in_the_way() -> None:
    waiting = run_in(Stage.TRAINING, waiting_for="it", not_before=NOW, last_warning="w", tries=3)
    run, lines = applied(waiting, Outcome(waiting, Event.JOB_SUCCEEDED))
    assert run.stage is Stage.TRAINED
    assert run.timeline[-1] == Transition(stage=Stage.TRAINED, at=NOW)
    assert len(run.timeline) == 2
    assert (run.waiting_for, run.not_before, run.last_warning, run.tries) == (None, None, None, 0)
    assert lines == (LogLine("stage", "trained: job succeeded", BY_ITSELF, ""),)


def test_a_next_stage_begins_without_what_was_in_the_way_also_in_the_middle_of_a_step() -> None:
    waiting = run_in(Stage.UPLOADED, waiting_for="it", not_before=NOW, tries=3)
    run, _ = applied(waiting, Outcome(waiting, Event.JOB_INTENDED, then=print))  # type: ignore[arg-type]
    assert run.stage is Stage.SUBMITTING
    assert (run.waiting_for, run.not_before, run.tries) == (None, None, 0)


def test_a_retry_goes_on_from_the_last_good_stage() -> None:
    failed = run_in(Stage.FAILED).replace(
        timeline=(
            Transition(stage=Stage.DEPLOYING, at=START),
            Transition(stage=Stage.FAILED, at=START),
        )
    )
    assert applied(failed, Outcome(failed, Event.RETRY_COMMANDED))[0].stage is Stage.TRAINED


def test_the_log_has_the_steps_own_lines_before_that_of_the_stage() -> None:
    own = LogLine("job", "step 1")
    _, lines = applied(run_in(Stage.TRAINING), Outcome(
        run_in(Stage.TRAINING), Event.JOB_SUCCEEDED, log=(own,)
    ))  # fmt: skip
    assert [line.kind for line in lines] == ["job", "stage"]


def test_an_end_is_told_with_its_reason_and_in_the_name_of_whoever_wanted_it() -> None:
    before = run_in(Stage.TRAINING, command=COMMAND)
    run, lines = applied(before, Outcome(before.replace(failure=FAILURE), Event.CANCELLED))
    assert run.stage is Stage.CANCELLED
    assert run.command is None, "it is carried out"
    assert lines == (LogLine("stage", "cancelled: It broke.", "ada", "too dear"),)


def test_a_failure_that_ends_nothing_is_no_reason_and_the_command_stays() -> None:
    before = run_in(Stage.TRAINING, command=COMMAND)
    run, lines = applied(before, Outcome(before.replace(failure=FAILURE), Event.JOB_SUCCEEDED))
    assert run.command == COMMAND
    assert lines[0].message == "trained: job succeeded"


# ---- it waits


def test_what_is_in_the_way_is_tried_again_after_a_pause_and_told_once() -> None:
    before, error = run_in(Stage.TRAINING), Unavailable("busy", "wait")
    run, lines = applied(before, Outcome(before, error=error))
    assert (run.tries, run.waiting_for) == (1, str(error))
    assert run.not_before == NOW + timedelta(seconds=5)  # half of the first pause, by chance 0
    assert run.pause == timedelta(seconds=5)
    assert lines == (LogLine("waiting", str(error)),)
    again, lines = applied(run, Outcome(run, error=error))
    assert again.tries == 2
    assert again.not_before == NOW + timedelta(seconds=10)
    assert lines == ()
    other = Unavailable("gone", "look")
    _, lines = applied(again, Outcome(again, error=other))
    assert lines == (LogLine("waiting", str(other)),)


def test_the_services_own_wish_counts_up_to_the_longest_pause() -> None:
    before = run_in(Stage.TRAINING)
    wish = Unavailable("busy", "wait", retry_after=600)
    assert applied(before, Outcome(before, error=wish))[0].not_before == NOW + timedelta(minutes=10)
    patient = Policy(longest_retry_after=10**6)
    for_ever = Unavailable("busy", "wait", retry_after=10**6)
    run, _ = apply(before, Outcome(before, error=for_ever), patient, NOW, 0.0)
    assert run.pause == LONGEST_PAUSE
    assert run.not_before == NOW + LONGEST_PAUSE


def test_a_look_that_finds_nothing_in_the_way_forgets_the_tries() -> None:
    before = run_in(Stage.TRAINING, tries=3, not_before=NOW, waiting_for="it")
    run, lines = applied(before, Outcome(before))
    assert (run.tries, run.not_before, run.waiting_for, lines) == (0, None, None, ())
    run, _ = applied(before, Outcome(before, waiting_for="a person"))
    assert run.waiting_for == "a person"


@pytest.mark.parametrize("still", [{"unanswered": True}, {"then": print}])
def test_what_is_in_the_way_stays_while_somebody_is_still_at_it(still: dict[str, object]) -> None:
    before = run_in(Stage.TRAINING, tries=3, not_before=NOW, waiting_for="it")
    run, lines = applied(before, Outcome(before, **still))  # type: ignore[arg-type]
    assert (run, lines) == (before, ())


def test_what_an_outcome_says_of_itself() -> None:
    run, error = run_in(Stage.TRAINING), Unavailable("busy", "wait")
    assert Outcome(run, error=error, waiting_for="it").obstacle == str(error)
    assert Outcome(run, waiting_for="it").obstacle == "it"
    assert Outcome(run).idle
    assert not Outcome(run).with_event(Event.JOB_SUCCEEDED).idle
    assert not Outcome(run, then=print).idle  # type: ignore[arg-type]
    refused = Outcome(run, refusal=Refused("no", "ask"), log=(LogLine("a", "b"),))
    changed = refused.but(LogLine("c", "d"), attempt=7)
    assert [line.kind for line in changed.log] == ["a", "c"]
    assert (changed.run.attempt, changed.refusal) == (7, refused.refusal)


# ---- it ends, and begins again


def test_a_run_that_cannot_go_on_is_commanded_to_end_with_its_reason() -> None:
    own = LogLine("job", "step 1")
    outcome = Outcome(run_in(Stage.TRAINING), Event.JOB_SUCCEEDED, log=(own,))
    ended = abandon(outcome, FAILURE, NOW)
    assert ended.event is None, "what it has that costs is stopped first"
    assert ended.run.failure == FAILURE
    assert ended.run.command == Command(
        action=Action.ABANDON, who=BY_ITSELF, why="It broke.", at=NOW
    )
    assert ended.log == (own, LogLine("command", "abandon", BY_ITSELF, "It broke."))


def ended_run(**known: object) -> Run:
    return run_in(
        Stage.FAILED,
        failure=FAILURE,
        command=COMMAND,
        closing=True,
        asked_at=START,
        job_id="job-2",
        past_jobs=("job-1",),
        last_event_id="e",
        progress=Progress(step=7),
        epochs=(Epoch(step=1, train_loss=1.0, valid_loss=None),),
        **known,
    )


def test_a_retry_keeps_nothing_of_a_job_that_is_over() -> None:
    again = without_its_end(ended_run(), Event.RETRY_COMMANDED)
    assert (again.failure, again.command, again.closing) == (None, None, False)
    assert (again.attempt, again.asked_at) == (2, None)
    assert [file.file_id for file in again.files] == [None, None]
    assert [file.sha256 for file in again.files] == ["aa", "bb"]
    assert (again.job_id, again.past_jobs) == (None, ("job-1", "job-2"))
    assert (again.last_event_id, again.progress, again.epochs) == (None, Progress(), ())


def test_a_retry_keeps_a_model_that_is_trained() -> None:
    again = without_its_end(ended_run(fine_tuned_model="tuned"), Event.RETRY_COMMANDED)
    assert (again.job_id, again.past_jobs) == ("job-2", ("job-1",))
    assert again.progress == Progress(step=7)
    assert again.attempt == 2


def test_a_retry_without_a_job_adds_none_to_those_of_the_past() -> None:
    again = without_its_end(run_in(Stage.FAILED), Event.DROPPED_AGAIN)
    assert again.past_jobs == ()


def test_a_job_that_is_alive_is_followed_again_in_the_same_attempt() -> None:
    again = without_its_end(ended_run(), Event.JOB_REJOINED)
    assert (again.failure, again.command, again.closing) == (None, None, False)
    assert (again.attempt, again.job_id, again.asked_at) == (1, "job-2", START)
    assert [file.file_id for file in again.files] == ["file-1", "file-2"]


def test_what_a_person_should_know_of_at_once_is_in_the_log_once() -> None:
    run = run_in(Stage.TRAINING)
    first = Outcome(run, log=(LogLine("job", "seen"),)).waits("it is odd")
    assert (first.run, first.waiting_for) == (run, "it is odd")
    assert first.log == (LogLine("job", "seen"), LogLine("waiting", "it is odd"))
    again = Outcome(run.replace(waiting_for="it is odd")).waits("it is odd")
    assert (again.waiting_for, again.log) == ("it is odd", ())


def test_a_new_attempt_has_hours_of_its_own_for_the_models_name() -> None:
    nameless = run_in(Stage.FAILED, nameless_since=NOW)
    for event in (Event.RETRY_COMMANDED, Event.JOB_REJOINED):
        assert without_its_end(nameless, event).nameless_since is None


def test_a_new_attempt_is_neither_held_nor_compared() -> None:
    ended = run_in(Stage.HELD, held="it is worse", compared="worse, 3 beside 5")
    again = without_its_end(ended, Event.RETRY_COMMANDED)
    assert (again.held, again.compared) == ("", "")
