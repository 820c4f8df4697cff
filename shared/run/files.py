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
    """The file's bytes in chunks. Raises Changed if its blob is no longer the one taken."""
    if file.share is Share.ALL:
        async for chunk in cloud.datasets.stream(file.name, file.etag):
            yield chunk
        return
    with tempfile.TemporaryDirectory() as folder:
        path = await _split(file, Path(folder), cloud)
        with path.open("rb") as side:
            while chunk := await asyncio.to_thread(side.read, CHUNK):
                yield chunk


async def bring(file: File, run: Run, cloud: Cloud) -> RemoteFile:
    """The file at the service: the one known, one left by an earlier try, or a new upload.

    No two runs share one there: each can delete its own without asking who else needs it.
    """
    remote = await cloud.finetuning.file(file.file_id) if file.file_id else None
    name = name_at_service(file, run)
    remote = remote or await cloud.finetuning.find_file(name)
    remote = remote or await _upload(name, file, cloud)
    file.file_id = remote.id
    return remote


async def all_there(run: Run, cloud: Cloud) -> bool:
    known = [await cloud.finetuning.file(file.file_id) for file in run.files if file.file_id]
    return len(known) == len(run.files) and None not in known


async def release(run: Run, cloud: Cloud) -> None:
    """Delete the files that the run has brought to the service, if any is there."""
    if run.came_from in UNSENT:
        return
    names = {name_at_service(file, run) for file in run.files}
    found = await cloud.finetuning.files(names)
    if found:
        await Ledger(cloud.runs).tell(run, "files", "its files are deleted at the service")
    for file in found:
        await cloud.finetuning.delete_file(file.id)


def name_at_service(file: File, run: Run) -> str:
    return f"{run.id}-{'training' if file is run.training else 'validation'}.jsonl"


async def _upload(name: str, file: File, cloud: Cloud) -> RemoteFile:
    """Raises Unavailable where the resource has no room: the runs before it make some."""
    with tempfile.TemporaryFile() as copy:
        async for chunk in read(file, cloud):
            await asyncio.to_thread(copy.write, chunk)
        copy.seek(0)
        try:
            return await cloud.finetuning.upload(name, copy)
        except Refused as error:
            if error.code != FULL:
                raise
            cure = "It goes on when other runs have ended, or when files are deleted there."
            raise Unavailable(error.what, cure) from error


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
