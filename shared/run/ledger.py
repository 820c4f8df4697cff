"""The record of every run, kept in the runs container. The only place that writes one.

    <run id>/run.json       the run; report.json, report.html, events.jsonl, metrics.csv beside it
    active/<run id>         exists while the run is active; its lease is the claim on the run
    newest/<time>-<run id>  a listing by age: the younger the run, the smaller the name

A tick lists `active/` only, so it costs what is active, however many runs have finished. A run's
log is written before the change that it reports: after a crash a line may stand there twice, none
is missing. Knows how runs are kept, not what happens in them.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from shared import telemetry
from shared.cloud.container import Container, continued
from shared.cloud.documents import as_json
from shared.errors import (
    CallerError,
    Conflict,
    NotFound,
    TunedropError,
    Unavailable,
    Unreadable,
)
from shared.printable import shown
from shared.run import ids, newest
from shared.run.outcome import LogLine, Outcome, apply, without_its_end
from shared.run.policy import Policy
from shared.run.record import Command, Run, Transition
from shared.run.results import Point, read_curve
from shared.run.stages import Event

log = logging.getLogger(__name__)

EVENTS = "events.jsonl"
LOGS = (EVENTS, "answers.jsonl")  # they go on in parts
CURVE = "curve.json"  # the losses of every step seen so far, beside the run; of many steps, some
READ_AHEAD = 16  # records of a list that are read side by side
MAX_CLAIMS = 20  # tries to be the one worker on a run that is entered or reopened
CLAIM_PAUSE = 0.2  # seconds between them
MAX_NAMED = 10  # runs that an error lists


@dataclass(frozen=True)
class Ledger:
    runs: Container
    policy: Policy
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    # ---- one run

    async def load(self, run_id: str) -> Run | None:
        """To do something with it. Raises Unreadable for a record that cannot be read, Newer for
        one that this version of the app must not write."""
        run = await self.look(run_id)
        if run:
            run.must_be_known(f"{self.runs.name}/{_path(run_id)}")
        return run

    async def look(self, run_id: str) -> Run | None:
        """To show it. Raises Unreadable for a record that cannot be read."""
        found = await self.runs.record(_path(run_id), Run)
        return found[0].replace(etag=found[1]) if found else None

    async def resolve(self, asked: str) -> str:
        """The id of the run that is meant by it, or by its beginning with SHORT_DIGITS or more.

        Raises NotFound, and CallerError where several runs begin like this.
        """
        if ids.ID.fullmatch(asked) and await self.runs.info(_path(asked)):
            return asked
        found = await self.beginning_with(asked) if ids.ASKED.fullmatch(asked) else []
        if len(found) > 1:
            named = ", ".join(found[:MAX_NAMED])
            raise CallerError(
                f"{len(found)} runs begin with {shown(asked)!r}.", f"Name one of them: {named}."
            )
        if not found:
            raise NotFound(f"There is no run {shown(asked)!r}.", "`tunedrop runs` lists them.")
        return found[0]

    async def beginning_with(self, asked: str) -> list[str]:
        model = asked.rpartition("-")[0]
        records = [blob.name async for blob in self.runs.list(asked)]
        found = [name.removesuffix("/run.json") for name in records if name.endswith("/run.json")]
        return [run_id for run_id in found if run_id.rpartition("-")[0] == model]

    async def create(self, run: Run) -> bool:
        """Enter a new run; False if it is known already.

        The files of one drop have an event each, so several workers come here at once: the one
        with the claim enters the run, the others wait to find it. Its marker comes first: a crash
        between the writes leaves a marker without a run, which a tick clears, and never a run that
        no tick looks after. Raises Unavailable if another worker does not give up its claim.
        """
        async for _ in self._attempts(run.id):
            if known := await self.load(run.id):
                if not known.ended:
                    await self.mark(run.id)  # its worker may have died before it did
                return False
            async with self._marked_claim(run.id) as claim:
                if claim and await self.load(run.id) is None:
                    await self._enter(run)
                    return True
        raise AssertionError("the attempts end with an error")

    async def commit(self, before: Run, outcome: Outcome) -> Run:
        """Write what a step has come to: the lines of the log, then the record, by compare-and-swap
        against `before`. The run as it is then. Raises Conflict if another worker has written it.
        """
        run, lines = apply(before, outcome, self.policy, self.now(), random.random())
        await self.log(run.id, *lines)
        if run == before:
            return run
        written = run.replace(
            etag=await self.runs.replace(_path(run.id), as_json(run), before.etag)
        )
        if written.stage is not before.stage:
            _count_transition(before, written)
        return written

    async def settle(self, run: Run) -> Run:
        """The run without times that lie ahead, which a wrong clock has told. Raises Conflict."""
        settled = run.settled(self.now())
        if settled == run:
            return run
        line = LogLine("clock", "times in the record lay ahead of this host's clock; they are now")
        return await self.commit(run, Outcome(settled, log=(line,), unanswered=True))

    async def amend(self, run_id: str, change: Callable[[Run], Run | None]) -> Run | None:
        """Change a run that another worker may hold, whatever it writes meanwhile.

        `change` returns None where there is nothing to change. Raises what `change` raises, and
        Unavailable if others always write first.
        """
        return await self.runs.update(
            _path(run_id), Run, lambda known: change(known) if known else None
        )

    async def reopen(
        self,
        run_id: str,
        event: Event,
        command: Command | None = None,
        change: Callable[[Run], Run] = lambda run: run,
        log: tuple[LogLine, ...] = (),
    ) -> None:
        """Make an ended run active again, and `change` it, with these lines in its log; nothing
        happens to one that is active.

        Its marker must be there before and after: whoever finds an ended run clears its marker,
        so this is done as the one worker on it. Raises Unavailable if another does not give it up.
        """
        async for _ in self._attempts(run_id):
            async with self._marked_claim(run_id) as claim:
                run = await self.load(run_id) if claim else None
                if run and run.ended:
                    reopened = without_its_end(change(run), event)
                    outcome = Outcome(reopened, event, log)
                    await self.commit(run.replace(command=command), outcome)
                    await self.mark(run_id)  # where this took longer than a lease, as in _enter()
                if claim:
                    return

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator["Claim | None"]:
        """Be the only worker on this run for as long as the block runs; None if another is."""
        async with self.runs.lease(f"active/{run_id}") as lease:
            yield Claim(self.runs, run_id, lease) if lease else None

    # ---- what lies beside it

    async def log(self, run_id: str, *lines: LogLine) -> None:
        """Add lines to the run's log: what happened, who wanted it and why."""
        for line in lines:
            at = self.now().isoformat(timespec="milliseconds")
            record = {"at": at, "kind": line.kind, "message": line.message}
            record |= {"who": line.who, "why": line.why}
            await self.runs.append(f"{run_id}/{EVENTS}", json.dumps(record, ensure_ascii=False))

    async def keep(self, run_id: str, name: str, data: bytes, content_type: str) -> None:
        """Put a document beside the run: its report, its metrics."""
        await self.runs.put(f"{run_id}/{name}", data, content_type)

    async def document(self, run_id: str, name: str) -> bytes | None:
        """With all parts of a log. Raises Unreadable for what is too large."""
        parts = []
        for part in count(1):
            found = await self.runs.read(continued(f"{run_id}/{name}", part))
            if found:
                parts.append(found.data)
            if name not in LOGS or not found:
                break
        return b"".join(parts) if parts else None

    async def curve(self, run_id: str) -> list[Point]:
        """The losses of the steps seen so far. Raises Unreadable."""
        data = await self.document(run_id, CURVE)
        return await asyncio.to_thread(read_curve, f"{self.runs.name}/{run_id}/{CURVE}", data)

    # ---- lists

    async def active(self) -> list[str]:
        """Ids of the runs that need care."""
        return [blob.name.removeprefix("active/") async for blob in self.runs.list("active/")]

    async def newest(
        self,
        model: str | None = None,
        after: str = "",
        among: Set[str] | None = None,
        problems: list[TunedropError] | None = None,
    ) -> AsyncIterator[tuple[str, Run]]:
        """The newest runs first, of one model or of all, each with its cursor in the list.

        `after` is the cursor of the last one known, `among` the ids of the only ones wanted. What
        cannot be read is left out, with a line in the app's log; why is added to `problems`.
        """
        problems = [] if problems is None else problems
        known = await newest.cursors(self.runs, [] if after else problems)
        cursors = {
            run_id: cursor
            for run_id, cursor in known.items()
            if cursor > after
            and (not model or run_id.rpartition("-")[0] == model)
            and (among is None or run_id in among)
        }
        wanted = list(cursors)
        for start in range(0, len(wanted), READ_AHEAD):
            for run in await self.readable(wanted[start : start + READ_AHEAD], problems):
                yield cursors[run.id], run

    async def readable(self, run_ids: Iterable[str], problems: list[TunedropError]) -> list[Run]:
        async def load(run_id: str) -> Run | None:
            try:
                return await self.look(run_id)
            except Unreadable as error:
                log.error("%s", error)
                problems.append(error)
                return None

        return [run for run in await asyncio.gather(*map(load, run_ids)) if run]

    # ---- entering and reopening

    async def _enter(self, run: Run) -> None:
        entered = run.replace(timeline=(Transition(stage=run.stage, at=self.now()),))
        await newest.enter(self.runs, run.id, await self.runs.time())
        await self.log(run.id, LogLine("stage", run.stage))
        await self.runs.create(_path(run.id), as_json(entered))
        await self.mark(run.id)  # where this took longer than a lease, a tick has cleared it

    @asynccontextmanager
    async def _marked_claim(self, run_id: str) -> AsyncIterator["Claim | None"]:
        """A claim on a run that may have no marker yet."""
        await self.mark(run_id)
        async with self.claim(run_id) as claim:
            yield claim

    async def mark(self, run_id: str) -> None:
        with suppress(Conflict):  # a worker holds it, so it is there
            await self.runs.put(f"active/{run_id}", b"", "text/plain")

    async def _attempts(self, run_id: str) -> AsyncIterator[None]:
        """Once for each try to be the one worker on a run. Raises Unavailable after the last."""
        for _ in range(MAX_CLAIMS):
            yield
            await self.sleep(CLAIM_PAUSE)
        raise Unavailable(f"Another worker is busy with {run_id}.", "Try again in a minute.")


@dataclass(frozen=True)
class Claim:
    runs: Container
    run_id: str
    lease: str

    async def deactivate(self) -> None:
        """The run needs no more care: ticks will not see it again."""
        await self.runs.delete(f"active/{self.run_id}", self.lease)


def _count_transition(before: Run, run: Run) -> None:
    stayed = (run.since - before.since).total_seconds()
    telemetry.measure("tunedrop.stage.seconds", stayed, stage=before.stage)
    if run.ended:
        telemetry.measure("tunedrop.runs.ended", stage=run.stage)


def _path(run_id: str) -> str:
    return f"{run_id}/run.json"
