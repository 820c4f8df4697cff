"""A run's files: read out of storage as what they are, uploaded to the service once each, and
deleted there when the run has ended: a resource has room for a hundred, or 1 GB, and no more.

Knows how the two sides of a lone dataset are read, not what a file must contain.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from shared.cloud.remote import RemoteFile
from shared.errors import Refused, Unavailable
from shared.run.context import Context
from shared.run.record import File, Run, Share
from shared.run.stages import Stage

CHUNK = 1 << 20
FULL = "quotaExceeded"  # one of Azure's codes; that a resource without room has it is a guess


async def read(file: File, ctx: Context) -> AsyncIterator[bytes]:
    """The file's bytes in chunks. Raises Replaced if its blob is no longer the one taken."""
    if file.share is Share.ALL:
        async for chunk in ctx.clients.datasets.stream(file.name, file.etag):
            yield chunk
        return
    side = await asyncio.to_thread((await _side(file, ctx)).open, "rb")
    try:
        while chunk := await asyncio.to_thread(side.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(side.close)


async def prepare(run: Run, ctx: Context) -> None:
    """Make the local copies that reading its files needs, which takes a worker process."""
    for file in run.files:
        if file.share is not Share.ALL:
            await _side(file, ctx)


async def _side(file: File, ctx: Context) -> Path:
    sides = await ctx.copies.sides(ctx.clients.datasets, file.name, file.etag)
    return sides.training if file.share is Share.TRAINING else sides.validation


async def upload(run: Run, ctx: Context) -> list[RemoteFile]:
    """The run's files at the service: those known, left there before a crash, or new uploads.

    Raises Replaced, and Unavailable where the service has no room: the runs before this one make
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


def name_at_service(file: File, run: Run, attempt: int = 0) -> str:
    """No two runs share a file there: each can delete its own without asking who else needs it."""
    side = "training" if file is run.training else "validation"
    return f"{run.id}-{attempt or run.attempt}-{side}.jsonl"


async def _upload_once(file: File, run: Run, ctx: Context) -> RemoteFile:
    service = ctx.clients.finetuning
    name = name_at_service(file, run)
    known = await service.file(file.file_id) if file.file_id else None
    return known or await _find(name, ctx) or await _upload(name, file, ctx)


async def _find(name: str, ctx: Context) -> RemoteFile | None:
    found = await ctx.clients.finetuning.find_file(name)
    return await ctx.clients.finetuning.file(found.id) if found else None  # lists lag behind


async def _upload(name: str, file: File, ctx: Context) -> RemoteFile:
    copy: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        async for chunk in read(file, ctx):
            await asyncio.to_thread(copy.write, chunk)
        copy.seek(0)
        return await ctx.clients.finetuning.upload(name, copy)
    finally:
        await asyncio.to_thread(copy.close)
