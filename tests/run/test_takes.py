"""What a run says that may be asked of it: whatever it names is taken, and nothing else."""

from datetime import UTC, datetime

from shared.run import commands
from shared.run.record import Action, Command
from shared.run.stages import ACTIVE, Stage
from tests.support.moments import run_in

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def taken(stage: Stage, **known: object) -> set[str]:
    return set(commands.taken_by(run_in(stage, **known)))


def test_each_stage_names_the_orders_that_it_takes() -> None:
    assert taken(Stage.READY) == {"start", "cancel", "deploy"}
    assert taken(Stage.TRAINING) == {"pause", "cancel", "deploy"}
    assert taken(Stage.PAUSED) == {"resume", "cancel", "deploy"}
    assert taken(Stage.REJECTED) == {"retry"}
    assert taken(Stage.SERVING, fine_tuned_model="ft") == {"retry", "deploy"}
    assert all("abandon" not in taken(stage) for stage in Stage)
    assert all("cancel" in taken(stage) for stage in ACTIVE)


def test_what_has_ended_without_a_job_has_nothing_to_deploy() -> None:
    assert taken(Stage.FAILED) == {"retry"}
    assert taken(Stage.FAILED, job_id="job-1") == {"retry", "deploy"}
    assert taken(Stage.CANCELLED, fine_tuned_model="ft") == {"retry", "deploy"}


def test_nothing_is_taken_while_an_order_waits() -> None:
    command = Command(action=Action.PAUSE, who="Ada", why="", at=NOW)
    assert taken(Stage.TRAINING, command=command) == set()
