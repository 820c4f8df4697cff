"""A drop becomes a run: which files belong together, when a drop is complete, which run it is.

    datasets/<model>/training*.jsonl (or train*)          starts a run
    datasets/<model>/validation*.jsonl (or valid*, val*)  belongs to it
    datasets/<model>/run.yaml                             belongs to it
    datasets/<model>.jsonl                                starts a run; its validation is split off

The identity of a run is the digest of what it is made of, so the same drop delivered twice, by
two instances, or again next week is the same run. Knows nothing of what happens to it then.
"""

import hashlib
import logging
from datetime import timedelta

from shared.cloud.container import BlobInfo
from shared.errors import Conflict, DropError, Replaced
from shared.run.context import Context
from shared.run.drops import Drops
from shared.run.folder import CANARY, PROBLEM, DropRole, Folder, look, parse
from shared.run.outcome import LogLine
from shared.run.record import File, Run, Share
from shared.run.spec import Spec, effective
from shared.run.stages import Event

log = logging.getLogger(__name__)

WORTH_SPLITTING = 20  # lines of a lone dataset from which a tenth is held out for validation


async def take(path: str, ctx: Context) -> str | None:
    """Make the run that the blob `path` belongs to, once its folder is quiet; the run's id.

    `path` is the blob's name within the datasets container. None if there is no run to make:
    no training file yet, a drop that was taken before, or one that cannot be taken, which is then
    explained beside it. Whatever else goes wrong is explained there too, and raised.
    """
    if path.endswith(PROBLEM):
        return None
    if path.startswith(CANARY):
        await ctx.clients.datasets.delete(path)  # its deletion shows the doctor that drops arrive
        return None
    try:
        model, _ = parse(path)
    except DropError as error:
        await _explain(path, error, ctx)
        return None
    try:
        run_id = await _take_folder(model, ctx)
    except (Conflict, Replaced):
        log.info("%s was dropped again while it was read; the newer drop has its own event", path)
        return None
    except Exception as error:
        await _not_taken(path, error, ctx)
        raise
    return run_id


async def _take_folder(model: str, ctx: Context) -> str | None:
    folder = await _quiet_folder(model, ctx)
    drops = Drops(ctx.clients.runs)
    run = None
    if folder.newest and not await drops.taken(folder):
        run = await _compose(folder, ctx)
        if run:
            await _enter(run, folder, ctx)
        await drops.take(folder, run.id if run else "")
    for role, blob in folder.newest.items():
        if role is not DropRole.SPEC:  # its own problems are another matter
            await ctx.clients.datasets.delete(f"{blob.name}{PROBLEM}")
    return run.id if run else None


async def _quiet_folder(model: str, ctx: Context) -> Folder:
    """The folder, once nobody has touched it for a while: the files of one drop come together."""
    quiet = timedelta(seconds=ctx.settings.quiet_seconds)
    while True:
        looked_at = ctx.now()  # what comes while it is listed may not be in the list
        folder = await look(model, ctx.clients.datasets)
        if not folder.newest:
            return folder
        rest = folder.last_touched + quiet - looked_at
        if rest <= timedelta(0):
            return folder
        await ctx.sleep(rest.total_seconds())


async def _compose(folder: Folder, ctx: Context) -> Run | None:
    """The run of a folder; None without a training file or with a run.yaml that cannot be used."""
    if DropRole.TRAINING not in folder.newest:
        log.info("%s waits for a training file", folder.model)
        return None
    spec = await _spec(folder.newest.get(DropRole.SPEC), ctx)
    if spec is None:
        return None
    dropped, held_out = folder.newest[DropRole.TRAINING], folder.newest.get(DropRole.VALIDATION)
    if folder.lone and held_out is None:
        training, validation = await _lone_files(dropped, ctx)
    else:
        training = await _file(dropped, ctx)
        validation = await _file(held_out, ctx) if held_out else None
    return Run(
        id=identity(folder.model, training, validation, spec),
        model=folder.model,
        spec=spec,
        training=training,
        validation=validation,
    )


async def _spec(run_yaml: BlobInfo | None, ctx: Context) -> Spec | None:
    if run_yaml is None:
        return effective(None, ctx.settings)
    try:
        asked = b"".join([chunk async for chunk in ctx.clients.datasets.stream(*run_yaml.version)])
        spec = effective(asked, ctx.settings)
    except DropError as error:
        await _explain(run_yaml.name, error, ctx)
        return None
    await ctx.clients.datasets.delete(f"{run_yaml.name}{PROBLEM}")  # of an earlier, worse one
    return spec


def identity(model: str, training: File, validation: File | None, spec: Spec) -> str:
    whole = training.share is Share.ALL
    parts = [training.sha256, validation.sha256 if validation else "", spec.model_dump_json()]
    parts += [] if whole else ["split"]
    return f"{model}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"


async def _file(blob: BlobInfo, ctx: Context) -> File:
    return _with_digest(blob, await ctx.clients.datasets.sha256(blob))


def _with_digest(blob: BlobInfo, sha256: str) -> File:
    return File(
        name=blob.name, etag=blob.etag, size=blob.size, sha256=sha256, modified=blob.modified
    )


async def _lone_files(blob: BlobInfo, ctx: Context) -> tuple[File, File | None]:
    """A lone dataset as the two sides of a split or, where it is too short for that, as it is."""
    copy = await ctx.copies.whole(ctx.clients.datasets, *blob.version)
    whole = _with_digest(blob, copy.sha256)
    if copy.lines < WORTH_SPLITTING:
        return whole, None
    return whole.replace(share=Share.TRAINING), whole.replace(share=Share.VALIDATION)


async def _enter(run: Run, folder: Folder, ctx: Context) -> None:
    """Enter a new run, or tell a known one that its content lies there again."""
    ledger = ctx.ledger
    if await ledger.create(run):
        log.info("run %s received", run.id)
        if folder.older:
            message = f"left out, for newer ones lie there: {', '.join(sorted(folder.older))}"
            await ledger.log(run.id, LogLine("drop", message))
        return

    def point_to_newest(known: Run) -> Run:
        pairs = zip(known.files, run.files, strict=True)
        return known.with_files(
            *(
                file.replace(name=dropped.name, etag=dropped.etag, modified=dropped.modified)
                for file, dropped in pairs
            )
        )

    known = await ledger.load(run.id)
    if known is None or _etags(known) == _etags(run):
        return  # the same event once more
    message = f"same content dropped again; the run is {known.stage}"
    await ledger.log(known.id, LogLine("drop", message))
    if known.may_start_over:
        await ledger.reopen(known.id, Event.DROPPED_AGAIN, change=point_to_newest)
    await ledger.amend(run.id, point_to_newest)


def _etags(run: Run) -> list[str]:
    return [file.etag for file in run.files]


async def _explain(path: str, error: DropError, ctx: Context) -> None:
    log.warning("drop not taken: %s", error.message)
    await _put_problem(path, str(error), ctx)


async def _not_taken(path: str, error: Exception, ctx: Context) -> None:
    """The host calls again up to five times, then the sweep does; the reason is beside it."""
    log.error("%s could not be taken: %s", path, type(error).__name__)
    message = f"{path} could not be taken yet: {type(error).__name__}. It is tried again by itself."
    try:
        await _put_problem(path, message, ctx)
    except Exception as second:  # noqa: BLE001 - storage may be what is wrong; the first one counts
        log.error("nor could that be written beside it: %s", type(second).__name__)


async def _put_problem(path: str, message: str, ctx: Context) -> None:
    await ctx.clients.datasets.put(
        f"{path}{PROBLEM}", f"{message}\n".encode(), "text/plain; charset=utf-8"
    )
