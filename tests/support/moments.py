"""A run that has just come into a stage, and moments after that; for what is told of both."""

from datetime import UTC, datetime, timedelta

from shared.run.record import File, Run, Transition
from shared.run.spec import effective
from shared.run.stages import Stage
from tests.support.settings import SETTINGS

START = datetime(2026, 11, 1, tzinfo=UTC)


def run_in(stage: Stage, **known: object) -> Run:
    return Run(
        id="m-1",
        model="m",
        stage=stage,
        spec=effective(None, SETTINGS),
        training=File(name="m/training.jsonl", etag="1", size=1, sha256="aa"),
        timeline=(Transition(stage=stage, at=START),),
        **known,
    )


def after(**time: float) -> datetime:
    return START + timedelta(**time)
