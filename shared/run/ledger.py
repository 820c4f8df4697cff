"""The record of every run, kept in the runs container and changed only by compare-and-swap.

    <run id>/run.json       the run; report.json, report.html, events.jsonl, metrics.csv beside it
    active/<run id>         exists while the run is active; its lease is the claim on the run
    newest/<time>-<run id>  a listing by age: the younger the run, the smaller the name

A tick lists `active/` only, so it costs what is active, however many runs have finished. A run's
log is written before the change that it tells of: after a crash a line may stand there twice, none
is missing. Knows how runs are kept, not what happens in them.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from shared import telemetry
from shared.cloud.blobs import Container
from shared.errors import Conflict, Refused, Unavailable
from shared.run.record import Moment, Progress, Run, now
from shared.run.stages import ENDS, Seen, following

log = logging.getLogger(__name__)

FAR_FUTURE = 10**10  # epoch seconds; newest/ counts down from here
AHEAD = 16  # records of a list that are read side by side
TRIES = 20  # to be the one worker on a run that is entered or taken up again
PAUSE = 0.2  # seconds between them
BY_ITSELF = "tunedrop"  # who did it, where no person has asked for it


class Ledger:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def create(self, run: Run) -> bool:
        """Enter a new run; False if it is known already.

        The files of one drop have an event each, so several workers come here at once: the one
        with the claim enters the run, the others wait to find it. Its marker comes first: a crash
        between the writes leaves a marker without a run, which the keeper clears, and never a run
        that nobody looks after. Raises Unavailable if another does not let go.
        """
        for _ in range(TRIES):
            if await self.load(run.id):
                return False
            await self._mark(run.id)
            async with self.claim(run.id) as claim:
                if claim and await self.load(run.id) is None:
                    await self._enter(run)
                    return True
            await asyncio.sleep(PAUSE)
        raise Unavailable(f"Another worker is entering {run.id}.", "It is tried again by itself.")

    async def _enter(self, run: Run) -> None:
        run.timeline = [Moment(stage=run.stage, at=now())]
        age = f"{FAR_FUTURE - int(now().timestamp()):010d}"
        await self.runs.put(f"newest/{age}-{run.id}", b"", "text/plain")
        await self.tell(run, "stage", f"{run.stage}")
        run._etag = await self.runs.create(_path(run.id), _dump(run))

    async def load(self, run_id: str) -> Run | None:
        """Raises Refused for a record that cannot be read."""
        found = await self.runs.record(_path(run_id), Run)
        if found is None:
            return None
        run, etag = found
        run._etag = etag
        return run

    async def save(self, run: Run) -> None:
        """Write the run as it is now. Raises Conflict if somebody else has written since."""
        run._etag = await self.runs.replace(_path(run.id), _dump(run), run._etag)

    async def amend(self, run_id: str, change: Callable[[Run], bool]) -> Run | None:
        """Apply `change` to the newest version of a run, as often as it takes.

        `change` says whether there was anything to change; the run as written, otherwise None.
        Raises Unavailable if another always writes first.
        """
        for _ in range(TRIES):
            run = await self.load(run_id)
            if run is None or not change(run):
                return None
            with suppress(Conflict):
                await self.save(run)
                return run
            await asyncio.sleep(PAUSE)
        raise Unavailable(f"The record of {run_id} cannot be written.", "Does somebody hold it?")

    async def move(self, run: Run, seen: Seen, who: str = BY_ITSELF, why: str = "") -> None:
        """Take the run on to the stage that follows from what was seen."""
        stage = following(run.stage, seen, run.came_from)
        said = run.failure.message if stage in ENDS and run.failure else seen
        await self.tell(run, "stage", f"{stage}: {said}", who, why)
        run.stage = stage
        run.timeline.append(Moment(stage=stage, at=now()))
        run.waiting_for = run.not_before = run.missing = None
        run.tries = 0
        if run.ended:
            run.order = None
        await self.save(run)
        *_, left, came = run.timeline
        stayed = (came.at - left.at).total_seconds()
        telemetry.measure("tunedrop.stage.seconds", stayed, stage=left.stage)
        if run.ended:
            telemetry.measure("tunedrop.runs.ended", stage=run.stage)

    async def take_up(
        self,
        run_id: str,
        seen: Seen,
        who: str = BY_ITSELF,
        why: str = "",
        change: Callable[[Run], object] = lambda run: None,
    ) -> None:
        """Make an ended run active again, and `change` it; nothing happens to one that is active.

        Its marker must be there before and after: whoever finds an ended run clears its marker,
        so this is done as the one worker on it. Raises Unavailable if another does not let go.
        """
        for _ in range(TRIES):
            await self._mark(run_id)
            async with self.claim(run_id) as claim:
                run = await self.load(run_id) if claim else None
                if run and run.ended:
                    change(run)
                    _forget_the_end(run, seen)
                    await self.move(run, seen, who, why)
                if claim:
                    return
            await asyncio.sleep(PAUSE)
        raise Unavailable(f"Another worker is busy with {run_id}.", "Try again in a minute.")

    async def tell(
        self, run: Run, kind: str, message: str, who: str = BY_ITSELF, why: str = ""
    ) -> None:
        """Add a line to the run's log, events.jsonl: what happened, who wanted it and why."""
        at = now().isoformat(timespec="milliseconds")
        line = {"at": at, "kind": kind, "message": message, "who": who, "why": why}
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

    async def newest(
        self, model: str | None = None, after: str = "", among: Set[str] | None = None
    ) -> AsyncIterator[tuple[str, Run]]:
        """The youngest runs first, of one model or of all, each with its place in the list.

        `after` is the place of the last one known, `among` the ids of the only ones wanted. A
        record that cannot be read is left out, with a line in the app's log.
        """
        places: dict[str, str] = {}
        async for blob in self.runs.list("newest/"):
            place = blob.name.removeprefix("newest/")
            # It stands here twice if a worker died between this entry and the run itself.
            places.setdefault(place.partition("-")[2], place)
        wanted = [
            run_id
            for run_id, place in places.items()
            if place > after
            and (not model or run_id.rpartition("-")[0] == model)
            and (among is None or run_id in among)
        ]
        for start in range(0, len(wanted), AHEAD):
            ahead = wanted[start : start + AHEAD]
            for run in await asyncio.gather(*map(self._load_or_tell, ahead)):
                if run:
                    yield places[run.id], run

    async def _load_or_tell(self, run_id: str) -> Run | None:
        try:
            return await self.load(run_id)
        except Refused as error:
            log.error("%s", error)
            return None

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator["Claim | None"]:
        """Be the only worker on this run for as long as the block runs; None if another is."""
        async with self.runs.lease(f"active/{run_id}") as lease:
            yield Claim(self.runs, run_id, lease) if lease else None

    async def _mark(self, run_id: str) -> None:
        with suppress(Conflict):  # somebody holds it, so it is there
            await self.runs.put(f"active/{run_id}", b"", "text/plain")


class Claim:
    def __init__(self, runs: Container, run_id: str, lease: str) -> None:
        self.runs, self.run_id, self.lease = runs, run_id, lease

    async def retire(self) -> None:
        """The run needs no more care: ticks will not see it again."""
        await self.runs.delete(f"active/{self.run_id}", self.lease)


def _forget_the_end(run: Run, seen: Seen) -> None:
    """What belonged to the try that has ended; a job that is over is never adopted again."""
    run.failure = run.order = None
    if seen is Seen.REJOINED:
        return
    run.attempt += 1
    for file in run.files:
        file.file_id = None  # they are deleted at the end of each attempt
    if run.job_id and not run.fine_tuned_model:
        run.past_jobs.append(run.job_id)
        run.job_id = run.submitting_since = run.heard = None
        run.progress, run.epochs = Progress(), []


def _path(run_id: str) -> str:
    return f"{run_id}/run.json"


def _dump(run: Run) -> bytes:
    return run.model_dump_json(indent=2).encode()
