"""A run's files: read out of storage as what they are, brought to the service once each, and taken
from there when the run has ended: a resource has room for a hundred, or 1 GB, and no more.

Knows how the two sides of a lone dataset are made, not what a file must contain.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from shared.cloud import Cloud
from shared.cloud.finetuning import RemoteFile
from shared.errors import Refused, Unavailable
from shared.run.ledger import Ledger
from shared.run.record import File, Run, Share
from shared.run.stages import UNSENT

HELD_OUT = 0.1  # the share of a lone dataset that becomes its validation set
SEED = 0  # the same split for everybody and for ever
CHUNK = 1 << 20
FULL = "quotaExceeded"  # one of Azure's codes; that a resource without room has it is a guess


async def read(file: File, cloud: Cloud) -> AsyncIterator[bytes]:
    """The file's bytes in chunks. Raises Replaced if its blob is no longer the one taken."""
    if file.share is Share.ALL:
        async for chunk in cloud.datasets.stream(file.name, file.etag):
            yield chunk
        return
    with tempfile.TemporaryDirectory() as folder:
        path = await _split(file, Path(folder), cloud)
        with path.open("rb") as side:
            while chunk := await asyncio.to_thread(side.read, CHUNK):
                yield chunk


async def bring(run: Run, cloud: Cloud) -> list[RemoteFile]:
    """The run's files at the service: those known, left there before a crash, or new uploads.

    Raises Unavailable where the service has no room: the runs before this one make some. Until then
    it holds none, or two runs with one file there each would wait for each other.
    """
    try:
        return [await _bring(file, run, cloud) for file in run.files]
    except Refused as error:
        if error.code != FULL:
            raise
        await release(run, cloud)
        fix = "It goes on when other runs have ended, or when files are deleted there."
        raise Unavailable(error.message, fix) from error


async def _bring(file: File, run: Run, cloud: Cloud) -> RemoteFile:
    remote = await cloud.finetuning.file(file.file_id) if file.file_id else None
    name = name_at_service(file, run)
    remote = remote or await _find(name, cloud) or await _upload(name, file, cloud)
    file.file_id = remote.id
    return remote


async def _find(name: str, cloud: Cloud) -> RemoteFile | None:
    found = await cloud.finetuning.find_file(name)
    return await cloud.finetuning.file(found.id) if found else None  # lists lag behind deletions


async def all_there(run: Run, cloud: Cloud) -> bool:
    known = [await cloud.finetuning.file(file.file_id) for file in run.files if file.file_id]
    return len(known) == len(run.files) and None not in known


async def release(run: Run, cloud: Cloud) -> None:
    """Delete what the run has brought to the service, in this attempt and before, if any is there.

    A worker that comes late, when the run was taken up again, does no harm to the next attempt.
    """
    if run.attempt == 1 and run.came_from in UNSENT:
        return
    names = {
        name_at_service(file, run, attempt)
        for file in run.files
        for attempt in range(1, run.attempt + 1)
    }
    found = await cloud.finetuning.files(names)
    if found and not run.tries:
        await Ledger(cloud.runs).tell(run, "files", "deleting its files at the service")
    for file in found:
        await cloud.finetuning.delete_file(file.id)


def name_at_service(file: File, run: Run, attempt: int = 0) -> str:
    """No two runs share a file there: each can delete its own without asking who else needs it."""
    side = "training" if file is run.training else "validation"
    return f"{run.id}-{attempt or run.attempt}-{side}.jsonl"


async def _upload(name: str, file: File, cloud: Cloud) -> RemoteFile:
    with tempfile.TemporaryFile() as copy:
        async for chunk in read(file, cloud):
            await asyncio.to_thread(copy.write, chunk)
        copy.seek(0)
        return await cloud.finetuning.upload(name, copy)


async def _split(file: File, folder: Path, cloud: Cloud) -> Path:
    """One side of a lone dataset, written into `folder`."""
    from shared.dataset.split import split_file  # numpy: a chat never needs it

    whole = folder / "whole.jsonl"
    with whole.open("wb") as copy:
        async for chunk in cloud.datasets.stream(file.name, file.etag):
            await asyncio.to_thread(copy.write, chunk)
    training, validation = folder / "training.jsonl", folder / "validation.jsonl"
    await asyncio.to_thread(split_file, whole, training, validation, HELD_OUT, SEED)
    return training if file.share is Share.TRAINING else validation
