"""The record of every run, kept in the runs container and changed only by compare-and-swap.

    <run id>/run.json       the run; report.json, report.html, events.jsonl, metrics.csv beside it
    active/<run id>         exists while the run is active; its lease is the claim on the run
    newest/<time>-<run id>  a listing by age: the younger the run, the smaller the name

A tick lists `active/` only, so it costs what is active, however many runs have finished.
Knows how runs are kept, not what happens in them.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, PrivateAttr

from shared.cloud.blobs import Container
from shared.errors import Changed
from shared.run.spec import Spec
from shared.run.stages import ENDS, Seen, Stage, following

FAR_FUTURE = 10**10  # epoch seconds; newest/ counts down from here


class File(BaseModel):
    """One dropped file. `file_id` is its id at the service, once it is there."""

    name: str
    etag: str
    size: int
    sha256: str
    examples: int | None = None
    file_id: str | None = None


class Moment(BaseModel):
    stage: Stage
    at: datetime


class Progress(BaseModel):
    """A job as last seen. Losses are None where the service has not measured."""

    step: int | None = None
    total_steps: int | None = None
    train_loss: float | None = None
    valid_loss: float | None = None
    estimated_finish: datetime | None = None


class Epoch(BaseModel):
    step: int
    train_loss: float | None
    valid_loss: float | None


class Failure(BaseModel):
    what: str
    cure: str
    blame: str


class Run(BaseModel):
    id: str
    model: str
    stage: Stage = Stage.RECEIVED
    spec: Spec
    training: File
    validation: File | None = None
    timeline: list[Moment] = []
    submitting_since: datetime | None = None  # the intent: written before the job is created
    job_id: str | None = None
    progress: Progress = Progress()
    epochs: list[Epoch] = []
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    version: int | None = None
    deployment: str | None = None
    waiting_for: str | None = None  # what the last look found in the way
    failure: Failure | None = None
    _etag: str = PrivateAttr("")

    @property
    def files(self) -> list[File]:
        return [self.training, *([self.validation] if self.validation else [])]

    @property
    def ended(self) -> bool:
        return self.stage in ENDS

    @property
    def may_start_over(self) -> bool:
        """Ended before anything was paid for, by a cause that another drop may have mended."""
        return self.stage in (Stage.SUPERSEDED, Stage.FAILED) and self.job_id is None


def now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def create(self, run: Run) -> bool:
        """Enter a new run; False if it is known already.

        The markers come first: a crash between the writes leaves a marker without a run, which
        the keeper clears, and never a run that nobody looks after.
        """
        run.timeline.append(Moment(stage=run.stage, at=now()))
        if await self.load(run.id):
            return False
        await self.runs.put(f"active/{run.id}", b"", "text/plain")
        age = f"{FAR_FUTURE - int(now().timestamp()):010d}"
        await self.runs.put(f"newest/{age}-{run.id}", b"", "text/plain")
        try:
            run._etag = await self.runs.create(_path(run.id), _dump(run))
        except Changed:
            return False
        await self.tell(run, "stage", f"{run.stage}")
        return True

    async def start_over(self, run: Run) -> None:
        """Take up an ended run again. Its marker comes first, as for a new one."""
        await self.runs.put(f"active/{run.id}", b"", "text/plain")
        run.failure = None
        await self.move(run, Seen.DROPPED)

    async def load(self, run_id: str) -> Run | None:
        found = await self.runs.read(_path(run_id))
        if found is None:
            return None
        run = Run.model_validate_json(found.data)
        run._etag = found.etag
        return run

    async def save(self, run: Run) -> None:
        """Write the run as it is now. Raises Changed if somebody else has written since."""
        run._etag = await self.runs.replace(_path(run.id), _dump(run), run._etag)

    async def amend(self, run_id: str, change: Callable[[Run], bool]) -> Run | None:
        """Apply `change` to the newest version of a run, as often as it takes.

        `change` says whether there was anything to change; the run as written, otherwise None.
        """
        while run := await self.load(run_id):
            if not change(run):
                return None
            with suppress(Changed):
                await self.save(run)
                return run
        return None

    async def move(self, run: Run, seen: Seen) -> None:
        """Take the run on to the stage that follows from what was seen."""
        run.stage = following(run.stage, seen)
        run.waiting_for = None
        run.timeline.append(Moment(stage=run.stage, at=now()))
        await self.save(run)
        await self.tell(run, "stage", f"{run.stage}: {seen}")

    async def tell(self, run: Run, kind: str, message: str) -> None:
        """Add a line to the run's log, events.jsonl."""
        line = {"at": now().isoformat(timespec="milliseconds"), "kind": kind, "message": message}
        await self.runs.append(f"{run.id}/events.jsonl", json.dumps(line, ensure_ascii=False))

    async def keep(self, run: Run, name: str, data: bytes, content_type: str) -> None:
        """Put a document beside the run: its report, its metrics."""
        await self.runs.put(f"{run.id}/{name}", data, content_type)

    async def document(self, run_id: str, name: str) -> bytes | None:
        found = await self.runs.read(f"{run_id}/{name}")
        return found.data if found else None

    async def active(self) -> list[tuple[str, datetime]]:
        """Ids of the runs that need care, each with the time at which its care began."""
        return [
            (blob.name.removeprefix("active/"), blob.modified)
            async for blob in self.runs.list("active/")
        ]

    async def newest(self, model: str | None, limit: int) -> list[Run]:
        """The youngest runs first, of one model or of all."""
        found: dict[str, Run] = {}
        async for blob in self.runs.list("newest/"):
            run_id = blob.name.split("-", 1)[1]
            if run_id in found:
                continue  # entered twice: a worker died between this entry and the run itself
            if model and run_id.rsplit("-", 1)[0] != model:
                continue
            if run := await self.load(run_id):
                found[run_id] = run
            if len(found) >= limit:
                break
        return list(found.values())

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator["Claim | None"]:
        """Be the only worker on this run for as long as the block runs; None if another is."""
        async with self.runs.lease(f"active/{run_id}") as lease:
            yield Claim(self.runs, run_id, lease) if lease else None


class Claim:
    def __init__(self, runs: Container, run_id: str, lease: str) -> None:
        self.runs, self.run_id, self.lease = runs, run_id, lease

    async def retire(self) -> None:
        """The run needs no more care: ticks will not see it again."""
        await self.runs.delete(f"active/{self.run_id}", self.lease)


def _path(run_id: str) -> str:
    return f"{run_id}/run.json"


def _dump(run: Run) -> bytes:
    return run.model_dump_json(indent=2).encode()


def summary(run: Run) -> dict[str, Any]:
    """A run as lists show it."""
    return run.model_dump(
        mode="json",
        include={
            "id",
            "model",
            "stage",
            "training",
            "validation",
            "timeline",
            "progress",
            "epochs",
            "version",
            "waiting_for",
            "failure",
        },
    )
