"""Staged files beside what lies in a model's folder: what is another in them; and what lies there
merged with rated answers, staged as the next drop.

Knows where datasets lie and where they go; a worker process reads them.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from shared.cloud.container import BlobInfo
from shared.dataset.merge import Conflicts
from shared.errors import CallerError, NotFound, NotNow
from shared.run import trial
from shared.run.context import Context
from shared.run.folder import DropRole, Folder, look, parse
from shared.run.overlay import Overlay
from shared.run.spec import effective
from shared.run.staging import LARGEST, WHOLE, Staging, is_name, too_large

CHUNK = 1 << 20
TRAINING = "training_set.jsonl"  # where what lies there has a name that nothing is staged under
RATED = "rated answers"

Lines = AsyncIterator[list[tuple[str, str]]]  # pages of examples, each with where it comes from


async def diff(staging: Staging, model: str, ctx: Context) -> dict[str, Any]:
    """What is another in the staged training set than in the one that lies there. Raises NotFound
    where none does, and CallerError for what cannot be compared."""
    tried = await trial.overlaid(staging, model, ctx)
    new = tried.folder.newest[DropRole.TRAINING]
    old = _training(await look(model, ctx.clients.datasets))
    async with ctx.with_copies() as work:
        before = await work.copies.whole(ctx.clients.datasets, *old.version)
        after = await work.copies.whole(tried.overlay, *new.version)
        files = [[str(before.path), old.name], [str(after.path), _called(new, tried.overlay)]]
        return await _asked("diff", files, old.size + new.size, work)


def _called(blob: BlobInfo, overlay: Overlay) -> str:
    return overlay.staged_name(blob.name) or blob.name


async def method(model: str, ctx: Context) -> str:
    """The method by which a drop of what lies there would be trained: its run.yaml's, or the app's.
    Raises DropError for one that cannot be read."""
    parse(f"{model}/run.yaml")
    found = (await look(model, ctx.clients.datasets)).newest.get(DropRole.SPEC)
    if found is None:
        return effective(None, ctx.settings).method
    chunks = [chunk async for chunk in ctx.clients.datasets.stream(*found.version)]
    return effective(b"".join(chunks), ctx.settings).method


async def merge(
    staging: Staging, model: str, rated: Lines, conflicts: Conflicts, ctx: Context
) -> dict[str, Any]:
    """Stage the dataset that lies there with the rated answers in it; what was taken. Raises
    NotFound where none lies there, NotNow where nothing is rated."""
    parse(f"{model}/run.yaml")
    found = await look(model, ctx.clients.datasets)
    base, held = _training(found), found.newest.get(DropRole.VALIDATION)
    with tempfile.TemporaryDirectory(prefix="tunedrop-") as name:
        additions, out = Path(name) / "rated.jsonl", Path(name) / "merged.jsonl"
        if not await _write(additions, rated):
            raise NotNow(
                f"{model} has no rated answers.",
                "Rate answers of a model that remembers (TUNEDROP_REMEMBER), and merge then.",
            )
        async with ctx.with_copies() as work:
            sources = [base, *([held] if held else [])]
            copies = [await work.copies.whole(ctx.clients.datasets, *s.version) for s in sources]
            files = [[str(copies[0].path), base.name], [str(additions), RATED]]
            files += [[str(copy.path), held.name] for copy in copies[1:] if held]
            size = sum(source.size for source in sources) + additions.stat().st_size
            asked = {"out": str(out), "conflicts": conflicts}
            told = await _asked("merge", files, size, work, **asked)
        return told | {"file": await _stage(out, _name(base, found), staging)}


async def _stage(out: Path, name: str, staging: Staging) -> dict[str, Any]:
    size = await asyncio.to_thread(lambda: out.stat().st_size)
    if size > LARGEST:
        raise too_large(name, LARGEST)
    file = await staging.put(name, _chunks(out), size)
    return {"name": file.name, "role": file.role, "size": file.size, "sha256": file.sha256}


def _training(found: Folder) -> BlobInfo:
    """Raises NotFound."""
    if blob := found.newest.get(DropRole.TRAINING):
        return blob
    raise NotFound(
        f"No dataset of {found.model} lies there.", "Drop one: then there is one to compare with."
    )


def _name(base: BlobInfo, found: Folder) -> str:
    """Under which name the next one takes the place of the one that lies there."""
    if found.lone:
        return WHOLE
    name = base.name.removeprefix(f"{found.model}/")
    return name if is_name(name) else TRAINING


async def _asked(
    do: str, files: Iterable[Iterable[str]], size: int, ctx: Context, **about: Any
) -> dict[str, Any]:
    """What a worker process tells. Raises CallerError for what it refuses."""
    async with ctx.workers.session("two datasets", size) as session:
        answer = await session.ask(do, files=[[*file] for file in files], **about)
    if refused := answer.head["refused"]:
        raise CallerError(*refused)
    return dict(json.loads(answer.body))


async def _write(path: Path, rated: Lines) -> int:
    """How many lines there are."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        async for page in rated:
            count += len(page)
            await asyncio.to_thread(file.writelines, [f"{example}\n" for example, _ in page])
    return count


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
