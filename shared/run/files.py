"""A run's files: read out of storage as what they are, uploaded to the service once each, and
deleted there when the run has ended: a resource has room for a hundred, or 1 GB, and no more.

Knows how the two sides of a lone dataset are read, not what a file must contain.
"""

import asyncio
import hashlib
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.cloud.remote import RemoteFile
from shared.errors import Refused, TunedropError, Unavailable
from shared.printable import shown
from shared.run import jobs
from shared.run.context import Context
from shared.run.copies import Sides, check_bytes
from shared.run.record import File, Run, Share
from shared.run.stages import Stage

CHUNK = 1 << 20
FULL = "quotaExceeded"  # one of Azure's codes; that a resource without room has it is a guess


async def read(file: File, ctx: Context) -> AsyncIterator[bytes]:
    """The file's bytes in chunks.

    Raises Replaced if its blob is no longer the one taken or, after the last chunk, if the bytes
    were not those that the run is made of: nothing may count before the end.
    """
    if file.share is Share.ALL:
        digest = hashlib.sha256()
        async for chunk in ctx.datasets.stream(file.name, file.etag):
            digest.update(chunk)
            yield chunk
        check_bytes(file.name, digest.hexdigest(), file.sha256)
        return
    side = await asyncio.to_thread((await _side(file, ctx)).open, "rb")
    try:
        while chunk := await asyncio.to_thread(side.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(side.close)


async def read_judged(file: File, run: Run, ctx: Context) -> AsyncIterator[bytes]:
    """The same, of a run that was checked. Raises TunedropError after the last chunk if these are
    not the bytes that the check has judged."""
    digest = hashlib.sha256()
    async for chunk in read(file, ctx):
        digest.update(chunk)
        yield chunk
    _check_judged(file, digest.hexdigest(), await _judged(file, run, ctx))


async def prepare(run: Run, ctx: Context) -> Run:
    """Make the local copies that reading its files needs, which takes a worker process. The run
    with the files that it has then: no validation set where none could be held out."""
    if run.training.share is Share.ALL or (await _sides(run.training, ctx)).validation:
        return run
    return run.with_files(run.training)


async def _side(file: File, ctx: Context) -> Path:
    sides = await _sides(file, ctx)
    side = sides.training if file.share is Share.TRAINING else sides.validation
    assert side, "`prepare` has left it out"
    return side


async def _sides(file: File, ctx: Context) -> Sides:
    return await ctx.copies.sides(ctx.datasets, file.name, file.etag, file.sha256)


async def upload(run: Run, ctx: Context) -> list[File]:
    """The run's files with their ids at the service, where they lie now: those known, left there
    before a crash, or new uploads.

    Raises Replaced if the bytes to send are not those that the check has judged: nothing of them is
    sent then. Raises Unavailable where the service has no room: the runs before this one make
    some. Until then it holds none, or two runs with one file there each would wait for each other.
    """
    try:
        return [await _upload_once(file, run, ctx) for file in run.files]
    except Refused as error:
        if error.code != FULL:
            raise
        await delete(run, ctx)
        fix = "It goes on when other runs have ended, or when files are deleted there."
        raise Unavailable(error.message, fix) from error


async def all_there(run: Run, ctx: Context) -> bool:
    service = ctx.clients.finetuning
    known = [await service.file(file.file_id) for file in run.files if file.file_id]
    return len(known) == len(run.files) and None not in known


async def left(run: Run, ctx: Context) -> list[RemoteFile]:
    """What the run has uploaded, in this attempt and before, and is still at the service.

    A worker that comes late, when the run was reopened, does not take the next attempt's for it.
    """
    if run.attempt == 1 and run.stage is Stage.REJECTED:
        return []
    names = {
        name_at_service(file, run, attempt)
        for file in run.files
        for attempt in range(1, run.attempt + 1)
    }
    return await ctx.clients.finetuning.files(names)


async def delete(run: Run, ctx: Context) -> None:
    for file in await left(run, ctx):
        await ctx.clients.finetuning.delete_file(file.id)


async def delete_results(run: Run, ctx: Context) -> None:
    """The tables of losses of its jobs, once the run has its own: the service keeps one of each job
    for ever, and none is read again."""
    if run.job_id is None or await ctx.ledger.document(run.id, jobs.RESULTS) is None:
        return
    for job_id in (*run.past_jobs, run.job_id):
        job = await ctx.clients.finetuning.job(job_id)
        if job and job.ended and job.result_file:
            await ctx.clients.finetuning.delete_file(job.result_file)


def name_at_service(file: File, run: Run, attempt: int = 0) -> str:
    """No two runs share a file there: each can delete its own without asking who else needs it."""
    return f"{run.id}-{attempt or run.attempt}-{_role(file, run)}.jsonl"


def _role(file: File, run: Run) -> str:
    return "training" if file is run.training else "validation"


async def _upload_once(file: File, run: Run, ctx: Context) -> File:
    """One that lies there under the run's name is taken for its own if it has its size. Whether it
    has its content cannot be known: the service tells no digest."""
    service = ctx.clients.finetuning
    if file.file_id and await service.file(file.file_id):
        return file
    name = name_at_service(file, run)
    found = await _find(name, ctx)
    async with _copy(file, ctx) as copy:
        _check_judged(file, copy.sha256, await _judged(file, run, ctx))
        if found is None or found.size != copy.size:
            found = await service.upload(name, copy.content)
        return file.replace(file_id=found.id, content_sha256=copy.sha256)


async def _judged(file: File, run: Run, ctx: Context) -> str | None:
    """The digest of what the check has judged: an older record does not tell it, and of a side of
    a lone dataset its report does. None if nothing tells it."""
    if file.content_sha256 or file.share is Share.ALL:
        return file.content_sha256 or file.sha256
    report = await ctx.ledger.document(run.id, "report.json")
    try:
        sides = {side["role"]: side["sha256"] for side in json.loads(report or b"{}")["files"]}
        return str(sides[_role(file, run)])
    except (ValueError, LookupError, TypeError):
        return None


def _check_judged(file: File, sha256: str, judged: str | None) -> None:
    """Raises TunedropError. The blob's bytes are right by now, so its split is another: by a
    version of this app that splits in another way than the one that has checked it."""
    if judged != sha256:
        raise TunedropError(
            f"The {file.share} side of {shown(file.name)} has the SHA-256 {sha256}; the check has "
            f"judged {shown(judged or 'what is not known')}. "
            "Nothing of it was sent to the service.",
            "Drop the same file again: it is checked again as it is.",
        )


async def _find(name: str, ctx: Context) -> RemoteFile | None:
    found = await ctx.clients.finetuning.find_file(name)
    return await ctx.clients.finetuning.file(found.id) if found else None  # lists lag behind


@dataclass(frozen=True)
class _Copy:
    """A file's bytes on this machine: nobody changes them between the comparison and the upload."""

    content: IO[bytes]
    size: int
    sha256: str


@asynccontextmanager
async def _copy(file: File, ctx: Context) -> AsyncIterator[_Copy]:
    """Raises Replaced as `read` does."""
    content: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile)
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in read(file, ctx):
            digest.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(content.write, chunk)
        content.seek(0)
        yield _Copy(content, size, digest.hexdigest())
    finally:
        await asyncio.to_thread(content.close)
