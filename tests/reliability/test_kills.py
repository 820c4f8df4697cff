"""Killed anywhere, a run goes on and ends the same: one run, one job, one deployment.

The short form tries a few of the outside calls of one story, others each day; so many of every
story with TUNEDROP_KILLS, all of them with TUNEDROP_EVERY_KILL=1 (see docs/reliability.md).
(In memory, tests/run/test_killed_anywhere.py tries every call, and the simulation kills in lives
with commands.)
"""

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.cloud import AzureClients
from shared.model.registry import Model
from shared.run.context import Context
from shared.run.record import Run
from shared.run.stages import Stage
from shared.settings import Settings
from tests.reliability.life import FORKS, STORIES, Kill, Story, live
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

    def live(self, kill: Kill | None = None) -> tuple[int | None, int]:
        """Live on; the worker's exit code (None if it did not end) and its outside calls."""
        calls = FORKS.Value("i", 0)
        worker = FORKS.Process(target=live, args=(self.environ, self.path, self.story, kill, calls))
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


def chosen(calls: int, story: Story) -> list[Kill]:
    every = [Kill(call, after) for call in range(1, calls + 1) for after in (False, True)]
    if os.environ.get("TUNEDROP_EVERY_KILL"):
        return every
    wanted = int(os.environ.get("TUNEDROP_KILLS", "1" if story.commands else "2"))
    stride = max(1, len(every) // wanted)
    return every[date.today().toordinal() % stride :: stride]


def told() -> list[Story]:
    """On demand all of them, otherwise one that changes by the day."""
    if {"TUNEDROP_KILLS", "TUNEDROP_EVERY_KILL"} & set(os.environ):
        return list(STORIES)
    return [STORIES[date.today().toordinal() % len(STORIES)]]


@pytest.mark.parametrize("story", told(), ids=lambda story: story.name)
def test_killed_anywhere_a_run_ends_the_same(stack: StackHarness, story: Story) -> None:
    for kill in chosen(_calls(stack, story), story):
        print(story.name, kill, flush=True)
        harness = KillHarness(stack, story)
        with harness.circumstances():
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


def _calls(stack: StackHarness, story: Story) -> int:
    """How many outside calls the story has when nobody is killed."""
    harness = KillHarness(stack, story)
    with harness.circumstances():
        code, calls = harness.live()
        assert code == 0
        harness.assert_consistent()
    print(story.name, calls, "outside calls", flush=True)
    return calls
