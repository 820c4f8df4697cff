"""Staged files are dropped: exactly the bytes that were tried, all of them at once.

They are sent to the datasets first and become visible one right after the other, the training set
last: nobody finds half of a drop. Knows nothing of what becomes of them; their events say that they
lie there.
"""

import hashlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from shared.cloud.container import BlobInfo, Upload
from shared.errors import Conflict, NotNow, Refused, Replaced, Unreadable
from shared.run import trial
from shared.run.context import Context
from shared.run.folder import DropRole
from shared.run.outcome import LogLine
from shared.run.staging import Staging
from shared.run.trial import CHECK, Seen, Trial

log = logging.getLogger(__name__)

DROPPED = "drop.json"
AGAIN = "Check it again: the answer may be another now."


async def drop(staging: Staging, model: str, who: str, why: str, ctx: Context) -> dict[str, Any]:
    """Put the staged files into the model's folder; which blobs they are then, and the run that
    will be made of them. Asked again, it answers the same. Raises NotNow for what was not tried as
    it is now, or may not be dropped."""
    seen = await _seen(staging, model, ctx)
    if done := await _done(staging, seen, ctx):
        return done
    now = await trial.overlaid(staging, model, ctx, alone=seen.removes is not None)
    if (trial.made_of(now.folder), now.removes) != (seen.made_of, seen.removes):
        raise NotNow("The files, or what lies beside them, are not what was checked.", AGAIN)
    if seen.verdict != "accepted":
        raise NotNow(
            f"The check has {seen.verdict} these files: no run would come of them.",
            "Do what the report says, and stage them again.",
        )
    files = await _written(now, ctx)
    told = {"model": model, "run": seen.run, "digest": seen.digest, "files": files}
    log.info("%s: %d staged files were dropped by %s", model, len(files), who)
    await ctx.ledger.log(seen.run, LogLine("drop", "its files were staged and dropped", who, why))
    kept = {"made_of": seen.made_of, "told": told}
    await staging.keep(DROPPED, json.dumps(kept).encode())
    return told


async def _seen(staging: Staging, model: str, ctx: Context) -> Seen:
    """Raises NotFound where nothing is staged, NotNow where it was not tried for that model."""
    await staging.files()
    found = None
    try:
        found = await ctx.clients.runs.record(staging.path(CHECK), Seen)
    except Unreadable as error:
        log.warning("%s", error.message)
    if found is None or found[0].model != model:
        raise NotNow(f"These files were not checked for {model}.", "Check them first.")
    return found[0]


async def _done(staging: Staging, seen: Seen, ctx: Context) -> dict[str, Any] | None:
    """What was told of the same drop before, if its blobs still lie there: a second click, or a
    call whose answer was lost."""
    kept = json.loads(await staging.document(DROPPED) or b"{}")
    if kept.get("made_of") != seen.made_of:
        return None
    told: dict[str, Any] = kept["told"]
    for file in told["files"]:
        blob = await ctx.clients.datasets.info(file["name"])
        if blob is None or blob.etag != file["etag"]:
            return None
    return told


async def _written(now: Trial, ctx: Context) -> list[dict[str, Any]]:
    """The training set comes last: then what belongs to it is there, and what does not is gone. (A
    file that is removed starts nothing.)"""
    overlay, newest = now.overlay, now.folder.newest.items()
    staged = [(role, blob) for role, blob in newest if overlay.staged_name(blob.name)]
    staged.sort(key=lambda file: file[0] is DropRole.TRAINING)
    sent: list[tuple[BlobInfo, Upload, Any]] = []
    try:
        for _, blob in staged:
            digest = hashlib.sha256()
            chunks = _through(overlay.stream(*blob.version), digest)
            upload = await ctx.clients.datasets.upload(blob.name, chunks, "application/x-ndjson")
            sent.append((blob, upload, digest))
        for path in now.removes or ():
            await ctx.clients.datasets.delete(path)
        return [
            {
                "name": blob.name,
                "etag": await upload.commit(),
                "size": blob.size,
                "sha256": digest.hexdigest(),
            }
            for blob, upload, digest in sent
        ]
    except Replaced:
        raise NotNow("The staged files were replaced meanwhile.", AGAIN) from None
    except (Conflict, Refused) as error:
        raise NotNow(error.message, error.fix or "Try again.") from error


async def _through(chunks: AsyncIterator[bytes], digest: Any) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
