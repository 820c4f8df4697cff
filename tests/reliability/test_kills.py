"""Killed anywhere, a run goes on and ends the same: one run, one job, one deployment.

The short form tries some of the outside calls of a run's life, other ones each day; so many with
TUNEDROP_KILLS, all of them with TUNEDROP_EVERY_KILL=1 (see docs/reliability.md).
"""

import asyncio
import os
import uuid
from datetime import date
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.cloud import Cloud
from shared.model.registry import Model, Registry
from shared.run.ledger import Ledger
from shared.run.record import Run
from shared.run.stages import Stage
from shared.settings import Settings
from tests.conftest import Loop
from tests.loop.test_loop import dataset, jobs_of
from tests.reliability.life import FORKS, Kill, live

SHORT_FORM = int(os.environ.get("TUNEDROP_KILLS", "6"))  # kills of one run of the suite
PATIENCE_SECONDS = 120


class World:
    """Containers and a dataset of their own, in which one run is lived."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.model = f"m{uuid.uuid4().hex[:8]}"
        self.path = f"{self.model}/training.jsonl"
        self.environ = loop.apart(self.model)
        self.blob("datasets", self.path).upload_blob(dataset(10, voice=self.model))

    def blob(self, container: str, name: str) -> Any:
        return self.loop.blobs.get_blob_client(f"{container}-{self.model}", name)

    def live(self, kill: Kill | None = None) -> tuple[int | None, int]:
        """Live on; the worker's exit code (None if it did not end) and its outside calls."""
        calls = FORKS.Value("i", 0)
        worker = FORKS.Process(target=live, args=(self.environ, self.path, kill, calls))
        worker.start()
        worker.join(PATIENCE_SECONDS)
        code = worker.exitcode
        worker.kill()
        worker.join()
        return code, calls.value

    def let_time_pass(self) -> None:
        self.loop.free_claims(f"runs-{self.model}")

    def books(self) -> tuple[list[Run], Model | None]:
        """The ledger and the registry, as they are."""

        async def read() -> tuple[list[Run], Model | None]:
            async with Cloud(Settings.load(self.environ)) as cloud:
                runs = [run async for _, run in Ledger(cloud.runs).newest()]
                return runs, await Registry(cloud.models).load(self.model)

        return asyncio.run(read())

    def deployments(self) -> list[str]:
        found = self.loop.control.deployments.list(GROUP, ACCOUNT)
        return [d.name for d in found if d.name and d.name.startswith(f"{self.model}-")]

    def files(self) -> list[str]:
        found = self.loop.service.files.list(purpose="fine-tune")
        return [file.filename for file in found if file.filename.startswith(f"{self.model}-")]

    def clear(self) -> None:
        self.loop.clear_deployments(f"{self.model}-")

    def balance(self) -> None:
        """Every effect took place once, and the books say so."""
        (run,), model = self.books()
        assert run.stage is Stage.SERVING, run.failure
        assert jobs_of(self.loop, run.id) == [run.job_id]
        assert self.deployments() == [run.deployment]
        assert len(self.files()) == 1
        assert model
        assert (model.champion, [v.run_id for v in model.versions]) == (1, [run.id])
        left = self.loop.container(f"runs-{self.model}").list_blobs(name_starts_with="active/")
        assert not list(left)


@pytest.fixture(scope="module")
def calls_of_a_life(loop: Loop) -> int:
    """How many outside calls an undisturbed life has, not counting how often it has to wait."""
    world = World(loop)
    code, calls = world.live()
    assert code == 0
    world.balance()
    world.clear()
    return calls


def chosen(calls: int) -> list[Kill]:
    every = [Kill(call, after) for call in range(1, calls + 1) for after in (False, True)]
    if os.environ.get("TUNEDROP_EVERY_KILL"):
        return every
    stride = len(every) // SHORT_FORM
    return every[date.today().toordinal() % stride :: stride]


def test_killed_anywhere_a_run_ends_the_same(loop: Loop, calls_of_a_life: int) -> None:
    for kill in chosen(calls_of_a_life):
        print(kill, flush=True)
        world = World(loop)
        code, _ = world.live(kill)
        world.let_time_pass()
        if code != 0:  # it may have come to its end with fewer calls: it had to wait less
            assert code is not None
            assert code < 0
            again, _ = world.live()
            assert again == 0, kill
        try:
            world.balance()
        except AssertionError as error:
            raise AssertionError(f"{kill}: {error}") from error
        world.clear()
