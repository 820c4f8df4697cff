"""A run's files: read out of storage as what they are, brought to the service once each.

Knows how the two sides of a lone dataset are made, not what a file must contain.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from shared.cloud import Cloud
from shared.cloud.finetuning import RemoteFile
from shared.run.record import File, Run, Share

HELD_OUT = 0.1  # the share of a lone dataset that becomes its validation set
SEED = 0  # the same split for everybody and for ever
CHUNK = 1 << 20


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

    Its name there is made from its content, so that a file is found whoever has sent it.
    """
    remote = await cloud.finetuning.file(file.file_id) if file.file_id else None
    name = name_at_service(file, run)
    remote = remote or await cloud.finetuning.find_file(name)
    if remote is None:
        with tempfile.TemporaryFile() as copy:
            async for chunk in read(file, cloud):
                await asyncio.to_thread(copy.write, chunk)
            copy.seek(0)
            remote = await cloud.finetuning.upload(name, copy)
    file.file_id = remote.id
    return remote


def name_at_service(file: File, run: Run) -> str:
    side = "" if file.share is Share.ALL else f"-{file.share}"
    return f"{run.model}-{file.sha256[:16]}{side}.jsonl"


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
