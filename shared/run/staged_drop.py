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
from shared.run.removal import remove_as_it_was
from shared.run.staging import Staging
from shared.run.trial import CHECK, Seen, Trial

log = logging.getLogger(__name__)

DROPPED = "drop.json"
AGAIN = "Check it again: the answer may be another now."


async def drop(
    staging: Staging, model: str, proof: object, who: str, why: str, ctx: Context
) -> dict[str, Any]:
    """Put the staged files into the model's folder; which blobs they are then, and the run that
    will be made of them. Asked again, it answers the same. `proof` is that of the check that was
    seen. Raises NotNow for what was not seen, was not tried as it is now, or may not be dropped."""
    seen = await _seen(staging, model, proof, ctx)
    if done := await _done(staging, seen, ctx):
        return done
    if seen.verdict != "accepted":
        raise NotNow(
            f"The check has {seen.verdict} these files: no run would come of them.",
            "Do what the report says, and stage them again.",
        )
    files = await _written(staging, seen, ctx)
    told = {"model": model, "run": seen.run, "digest": seen.digest, "files": files}
    log.info("%s: %d staged files were dropped by %s", model, len(files), who)
    await ctx.ledger.log(seen.run, LogLine("drop", "its files were staged and dropped", who, why))
    kept = {"made_of": seen.made_of, "told": told}
    await staging.keep(DROPPED, json.dumps(kept).encode())
    return told


async def _seen(staging: Staging, model: str, proof: object, ctx: Context) -> Seen:
    """The last check. Raises NotFound where nothing is staged, NotNow where it was not tried for
    that model, or whoever drops has seen another check."""
    await staging.files()
    found = None
    try:
        found = await ctx.clients.runs.record(staging.path(CHECK), Seen)
    except Unreadable as error:
        log.warning("%s", error.message)
    if found is None or found[0].model != model:
        raise NotNow(f"These files were not checked for {model}.", "Check them first.")
    if proof != found[0].proof:
        raise NotNow(
            "This is no drop of what the last check of these files has shown: they were checked "
            "again meanwhile, or it brings no `seen`.",
            "Check them again, and drop what that shows; the order brings `seen` of its answer.",
        )
    return found[0]


async def _as_seen(staging: Staging, seen: Seen, ctx: Context) -> Trial:
    """What lies there now. Raises NotNow where it is not what was checked."""
    now = await trial.overlaid(staging, seen.model, ctx, alone=seen.removes is not None)
    found = trial.made_of(now.folder), now.removes, now.replaces
    if found != (seen.made_of, seen.removes, seen.replaces):
        raise NotNow("The files, or what lies beside them, are not what was checked.", AGAIN)
    return now


async def _done(staging: Staging, seen: Seen, ctx: Context) -> dict[str, Any] | None:
    """What was told of the same drop before, if its blobs still lie there: a second click, or a
    call whose answer was lost. Not where something is to go that has come since."""
    kept = json.loads(await staging.document(DROPPED) or b"{}")
    if kept.get("made_of") != seen.made_of:
        return None
    told: dict[str, Any] = kept["told"]
    there = [await _lies(file["name"], file["etag"], ctx) for file in told["files"]]
    to_go = [await _lies(*blob, ctx) for blob in (seen.removes or {}).items()]
    return told if all(there) and not any(to_go) else None


async def _lies(name: str, etag: str, ctx: Context) -> bool:
    blob = await ctx.clients.datasets.info(name)
    return blob is not None and blob.etag == etag


async def _written(staging: Staging, seen: Seen, ctx: Context) -> list[dict[str, Any]]:
    """The training set comes last: then what belongs to it is there, and what does not is gone. (A
    file that is removed starts nothing.) It is looked again once all is sent: that takes its time,
    and others may drop meanwhile."""
    now = await _as_seen(staging, seen, ctx)
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
        await _as_seen(staging, seen, ctx)
        for path, etag in (seen.removes or {}).items():
            await remove_as_it_was(ctx.clients.datasets, path, etag)
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
