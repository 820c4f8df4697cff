"""What comes late: the answer to a "create job" that another worker's may have overtaken, and the
record of a run whose marker a tick has cleared meanwhile.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.memory_container import MemoryContainer
from shared.run.creation import _merge
from shared.run.record import File, Run
from shared.run.spec import effective
from shared.run.stages import Stage
from tests.support.runs import RunHarness
from tests.support.settings import SETTINGS

ASKED = datetime(2026, 11, 1, tzinfo=UTC)
SENT = Run(
    id="m-1",
    model="m",
    stage=Stage.SUBMITTING,
    spec=effective(None, SETTINGS),
    training=File(name="m/training.jsonl", etag="1", size=1, sha256="aa", file_id="file-1"),
    asked_at=ASKED,
)
REFUSED = SENT.replace(asked_at=None)


def test_a_refusal_takes_back_the_workers_own_intent_alone() -> None:
    assert _merge(SENT, SENT, REFUSED) == REFUSED
    later = SENT.replace(asked_at=ASKED + timedelta(minutes=3))
    assert _merge(later, SENT, REFUSED) is None


def test_a_late_refusal_does_not_forget_the_job_of_another_worker() -> None:
    found = SENT.replace(asked_at=None, job_id="job-2")
    assert _merge(found, SENT, REFUSED) is None
    both = SENT.replace(job_id="job-2")
    assert _merge(both, SENT, REFUSED) == both.replace(asked_at=None)


async def test_a_run_whose_worker_died_while_it_entered_it_is_looked_after(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.received()
    await harness.ctx.clients.runs.delete(f"active/{run.id}")
    assert await harness.ctx.ledger.active() == []
    assert not await harness.ctx.ledger.create(run)
    assert await harness.ctx.ledger.active() == [run.id]


async def test_a_run_that_is_entered_slowly_is_looked_after(harness: RunHarness) -> None:
    """A tick clears a marker without a run, once the claim of the worker that set it has ended."""
    runs = harness.ctx.clients.runs
    assert isinstance(runs, MemoryContainer)
    create = runs.create

    async def slowly(name: str, data: bytes, *more: Any) -> str:
        if name.endswith("/run.json"):
            runs.break_leases()
            await runs.delete(f"active/{SENT.id}")
        return await create(name, data, *more)

    runs.create = slowly  # type: ignore[method-assign, assignment]
    assert await harness.ctx.ledger.create(SENT)
    assert await harness.ctx.ledger.active() == [SENT.id]
