"""A worker killed at any one call: whoever comes next finishes the run, and nothing is paid twice.
The same where storage goes down with it and loses the last writes that it has acknowledged.

tests/reliability kills real processes at some calls; here each call of the story has its turn, once
before its effect and once after. Storage is killed at writes only: a read has no effect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.run import ceilings, reconciler
from shared.run.record import Run
from shared.run.spending import Spending
from shared.run.stages import Stage
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

WRITES = ("create", "replace", "put", "append", "delete")
MAX_LIVES = 60  # of the app in one story; twelve are enough undisturbed
MINUTE = 60


class Killed(BaseException):
    pass


@dataclass
class Killer:
    """Kills at call number `at`, before or after its effect; `lost` writes go with it."""

    at: int = -1
    after: bool = False
    lost: int = 0
    calls: int = 0
    containers: tuple[MemoryContainer, ...] = ()
    saved: list[list[Any]] = field(default_factory=list)

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def called(*args: Any, **options: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            self.saved.append([container.saved() for container in self.containers])
            if number == self.at and not self.after:
                self._kill()
            result = await function(*args, **options)
            if number == self.at:
                self._kill()
            return result

        return called

    def _kill(self) -> None:
        if self.lost:
            for container, saved in zip(self.containers, self.saved[-self.lost :][0], strict=True):
                container.restore(saved)
        raise Killed


async def story(killer: Killer) -> tuple[RunHarness, Run]:
    """A run from its drop to the end of all care, with one kill on the way."""
    told = replace(IN_MEMORY, webhook_url="http://127.0.0.1:9/never-asked")
    harness = RunHarness.in_memory(told, "captain")
    harness.service.configure(step_seconds=MINUTE / 2)
    await harness.drop()
    clients = harness.ctx.clients
    assert isinstance(clients.runs, MemoryContainer)
    assert isinstance(clients.models, MemoryContainer)
    killer.calls, killer.containers = 0, (clients.runs, clients.models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryService, "call", killer.wrap(MemoryService.call))
        for name in WRITES:
            patch.setattr(MemoryContainer, name, killer.wrap(getattr(MemoryContainer, name)))
        for _ in range(MAX_LIVES):
            if await alive(harness):
                break
            assert harness.clock
            harness.clock.advance(MINUTE)
    (run,) = await harness.runs()
    return harness, run


async def alive(harness: RunHarness) -> bool:
    """What the app does in a minute; whether there is nothing more to do."""
    try:
        await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
        for run_id in await harness.ledger.active():
            await reconciler.advance(run_id, harness.ctx)
    except Killed:
        return False
    runs = await harness.runs()
    return bool(runs) and runs[0].ended and not await harness.ledger.active()


@pytest.mark.parametrize("lost", [0, 1, 4, 12])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_kill_at_any_call_costs_nothing(after: bool, lost: int) -> None:
    undisturbed = Killer()
    _, known = await story(undisturbed)
    stages = [moment.stage for moment in known.timeline]
    assert stages[-1] is Stage.SERVING
    assert undisturbed.calls > 60
    for at in range(undisturbed.calls):
        harness, run = await story(Killer(at, after, lost))
        service = harness.service
        assert run.id == known.id, at
        assert run.stage is Stage.SERVING, (at, run.failure)
        assert service.jobs_of(run.id) == [run.job_id], at
        assert (service.uploads(0), service.files_of(run.id)) == (1, []), at
        assert list(service.deployments()) == ["captain-v1"], at
        assert await harness.ledger.active() == [], at
        model = await harness.ctx.registry.load("captain")
        assert model
        outbox = [blob.name async for blob in harness.ctx.clients.runs.list("outbox/")]
        assert len(outbox) == 2, (at, outbox)
        assert f"outbox/{run.id}-{len(run.timeline)}-serving" in outbox, (at, outbox)
        spent = await harness.ctx.clients.runs.record(ceilings.NAME, Spending)
        assert lost or (spent and [r.open for r in spent[0].reservations] == [False]), at
        assert (model.champion, len(model.versions)) == (1, 1), at
        if not lost:  # otherwise a job may be found before it is asked for again
            assert [moment.stage for moment in run.timeline] == stages, at
            lines = dict.fromkeys(await harness.messages(run, "stage"))
            assert [line.partition(":")[0] for line in lines] == stages, (at, lines)
