"""The worker processes of a test's own process, and checks to disturb."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from shared.run import reconciler, workers
from shared.run.record import Run
from tests.processes import PATIENCE_SECONDS
from tests.support.datasets import dataset
from tests.support.runs import RunHarness

posix = pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")


def children() -> list[psutil.Process]:
    """The worker processes of this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "shared.dataset.worker" in child.cmdline():
                found.append(child)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)[1]


@pytest.fixture
def fresh_workers() -> Iterator[None]:
    """No process of earlier tests, and none left. Whoever wants it imports it."""
    workers.end_idle()
    yield
    workers.end_idle()


async def checked(harness: RunHarness, content: bytes = dataset(12)) -> Run:
    """A drop, and what has become of it at once."""
    await harness.drop(content)
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    (run,) = await harness.runs()
    return run


def while_read(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]
) -> None:
    """Do something while the process has begun with a file and waits for its bytes."""
    datasets = harness.ctx.clients.datasets
    stream = datasets.stream

    async def disturbed(name: str, etag: str) -> AsyncIterator[bytes]:
        async for chunk in stream(name, etag):
            if children():  # not while the digest is made
                what()
            yield chunk

    monkeypatch.setattr(datasets, "stream", disturbed)
