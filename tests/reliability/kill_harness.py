"""A life in a process that is killed, on containers and a dataset of its own; and what must be so
once it is over."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.stack import ACCOUNT, GROUP
from shared.cloud import AzureClients
from shared.model.registry import Model
from shared.run.context import Context, utc_now
from shared.run.record import Run
from shared.run.stages import Stage
from shared.settings import Settings
from tests.reliability import orders
from tests.reliability.life import FORKS, STORIES, Kill, Story, live
from tests.reliability.orders import ORDERED, Ordered
from tests.support.datasets import dataset
from tests.support.stack import QUICK, StackHarness, wait_for

PATIENCE_SECONDS = 300


class KillHarness:
    """Containers and a dataset of their own, in which one run is lived."""

    def __init__(self, stack: StackHarness, story: Story) -> None:
        self.stack, self.story = stack, story
        self.model = f"m{uuid.uuid4().hex[:8]}"
        self.path = f"{self.model}/training.jsonl"
        self.environ = stack.apart(self.model)
        self.began = stack.calls()
        self.blob("datasets", f"{self.model}/run.yaml").upload_blob(story.run_yaml)
        self.blob("datasets", self.path).upload_blob(dataset(10, voice=self.model))

    def blob(self, container: str, name: str) -> Any:
        return self.stack.blobs.get_blob_client(f"{container}-{self.model}", name)

    @contextmanager
    def circumstances(self) -> Iterator[None]:
        """Action the story asks of the emulated service."""
        self.stack.emulator("settings", {"creating_seconds": self.story.creating_seconds}, "PATCH")
        if self.story.fault:
            self.stack.emulator("faults", {"fault": self.story.fault, "count": 1})
        try:
            yield
        finally:
            self.stack.emulator("faults", method="DELETE")
            self.stack.emulator("settings", QUICK, "PATCH")
            self.stack.clear_service(f"{self.model}-")

    def begin(self) -> None:
        """What comes before the story."""

    def live(self, kill: Kill | None = None) -> tuple[int | None, int]:
        """Live on; the worker's exit code (None if it did not end) and its outside calls."""
        calls = FORKS.Value("i", 0)
        return self._process(calls, live, self.environ, self.path, self.story, kill, calls)

    def _process(self, calls: Any, target: Any, *args: Any) -> tuple[int | None, int]:
        worker = FORKS.Process(target=target, args=args)
        worker.start()
        worker.join(PATIENCE_SECONDS)
        code = worker.exitcode
        worker.kill()
        worker.join()
        self.stack.free_claims(f"runs-{self.model}")
        return code, calls.value

    def records(self) -> tuple[list[Run], Model | None]:
        """The ledger and the registry, as they are."""

        async def read() -> tuple[list[Run], Model | None]:
            async with AzureClients(Settings.load(self.environ)) as clients:
                ctx = Context.of(clients)
                runs = [run async for _, run in ctx.ledger.newest()]
                return runs, await ctx.registry.load(self.model)

        return asyncio.run(read())

    def deployments(self) -> list[str]:
        found = self.stack.control.deployments.list(GROUP, ACCOUNT)
        return [d.name for d in found if d.name and d.name.startswith(f"{self.model}-")]

    def commands(self, run: Run) -> set[tuple[str, str]]:
        log = self.blob("runs", f"{run.id}/events.jsonl").download_blob().readall()
        lines = [json.loads(line) for line in log.splitlines()]
        mine = [ln for ln in lines if (ln["kind"], ln["who"]) == ("command", "Ada")]
        return {(ln["message"], ln["why"]) for ln in mine}

    def assert_consistent(self) -> None:
        """Every effect took place once, and the records agree with the service."""
        (run,), model = self.records()
        assert run.stage is self.story.ends, run.failure
        jobs = [*run.past_jobs, *([run.job_id] if run.job_id else [])]
        assert sorted(self.stack.jobs_of(run.id)) == sorted(jobs)
        ended = [self.stack.service.fine_tuning.jobs.retrieve(job).status for job in jobs]
        assert ended == list(self.story.jobs)
        assert self.stack.files_of(f"{self.model}-") == []
        assert 1 <= self.stack.uploads(self.began) <= len(jobs)
        serves = run.stage is Stage.SERVING
        wait_for(lambda: self.deployments() == ([run.deployment] if serves else []))
        versions = [v.run_id for v in model.versions if not v.withdrawn] if model else []
        assert versions == ([run.id] if serves else [])
        assert (model.champion if model else None) == (1 if serves else None)
        left = self.stack.container(f"runs-{self.model}").list_blobs(name_starts_with="active/")
        assert not list(left)
        commanded = [(what, "to try it") for what in self.story.commands.values()]
        # A job that is trained before the next worker comes is neither paused nor resumed.
        assert set(commanded[:1]) <= self.commands(run) <= set(commanded)


class OrderHarness(KillHarness):
    """A model whose versions serve, of which something is ordered."""

    def __init__(self, stack: StackHarness, ordered: Ordered) -> None:
        super().__init__(stack, STORIES[0])
        self.ordered = ordered

    def begin(self) -> None:
        """Undisturbed."""
        for number in range(1, self.ordered.versions + 1):
            content = dataset(10, voice=f"{self.model} {number}")
            self.blob("datasets", self.path).upload_blob(content, overwrite=True)
            assert super().live()[0] == 0
        self.since = utc_now()

    def live(self, kill: Kill | None = None) -> tuple[int | None, int]:
        calls = FORKS.Value("i", 0)
        args = (self.environ, self.model, self.ordered, self.since, kill, calls)
        return self._process(calls, orders.live, *args)

    def assert_consistent(self) -> None:
        """It was done once, and the records agree with the service."""
        runs, model = self.records()
        left = [f"{self.model}-v{number}" for number in self.ordered.left]
        wait_for(lambda: sorted(self.deployments()) == left)
        assert len(runs) == (self.ordered.versions if left else 0)
        assert self.ordered.done(model)
        models = self.stack.container(f"models-{self.model}")
        waiting = ("orders/", "delete/", "wake/", "redeploy/")
        assert [b.name for b in models.list_blobs() if b.name.startswith(waiting)] == []
        active = self.stack.container(f"runs-{self.model}").list_blobs(name_starts_with="active/")
        assert not list(active)
        if model:
            assert_history(model, self.ordered)


def assert_history(model: Model, ordered: Ordered) -> None:
    """Each change is there once, and what is hosted is what is deployed."""
    by_person = [change for change in model.history if change.who == "Ada"]
    assert len(by_person) == (ordered.name == "rolled back")
    assert len(model.history) == ordered.versions + len(by_person)
    assert [v.version for v in model.versions if v.is_hosted] == list(ordered.left)
    stretches = 2 if ordered.name == "asleep and woken" else 1
    assert all(len(version.hosted) == stretches for version in model.versions)


# ---- any of the stories

Told = Story | Ordered
EVERY: tuple[Told, ...] = (*STORIES, *ORDERED)


def harness_of(stack: StackHarness, story: Told) -> KillHarness:
    if isinstance(story, Ordered):
        return OrderHarness(stack, story)
    return KillHarness(stack, story)


def live_killed(stack: StackHarness, story: Told, kill: Kill) -> None:
    """A life with that kill, and what must be so at its end. Raises AssertionError."""
    harness = harness_of(stack, story)
    with harness.circumstances():
        harness.begin()
        code, _ = harness.live(kill)
        if code != 0:  # it may have come to its end with fewer calls: it had to wait less
            assert code is not None
            assert code < 0
            again, _ = harness.live()
            assert again == 0, kill
        try:
            harness.assert_consistent()
        except AssertionError as error:
            raise AssertionError(f"{story.name}, {kill}: {error}") from error


def calls_of(stack: StackHarness, story: Told) -> int:
    """How many outside calls the story has when nobody is killed."""
    harness = harness_of(stack, story)
    with harness.circumstances():
        harness.begin()
        code, calls = harness.live()
        assert code == 0
        harness.assert_consistent()
    return calls
