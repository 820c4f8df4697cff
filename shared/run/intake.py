"""A drop becomes a run: which files belong together, when a drop is complete, which run it is.

    datasets/<model>/training*.jsonl (or train*)          starts a run
    datasets/<model>/validation*.jsonl (or valid*, val*)  belongs to it
    datasets/<model>/run.yaml                             belongs to it
    datasets/<model>/promptfooconfig.yaml                 belongs to it
    datasets/<model>.jsonl                                starts a run; its validation is split off

A run is what it is made of: the same drop delivered twice, by two instances, or again next week is
the same run (`ids`, `entry`). Knows nothing of what happens to it then.
"""

import logging
from datetime import timedelta

from shared.cloud.container import BlobInfo
from shared.errors import Conflict, DropError, Replaced, TunedropError
from shared.model import assertions
from shared.printable import shown
from shared.run import admission, ids, problems
from shared.run.context import Context
from shared.run.drops import Drops
from shared.run.entry import DATASET, MAX_NAMED, RefusedDrop, about, enter, in_no_run
from shared.run.folder import PROBLEM, DropRole, Folder, is_canary, lies_there, look, parse
from shared.run.record import File, Run, Share
from shared.run.run_yaml import check_size
from shared.run.spec import Spec, effective
from shared.run.waiting import obstacles

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
    if is_canary(path):
        await ctx.clients.datasets.delete(path)  # its deletion shows the doctor that drops arrive
        return None
    try:
        model, _ = parse(path)
    except DropError as error:
        if await lies_there(path, ctx.clients.datasets):
            await problems.explain(path, error, ctx)
        return None
    try:
        return await _take_folder(model, ctx)
    except (Conflict, Replaced):
        newer = "was dropped again while it was read; the newer drop has its own event"
        log.info("%s %s", shown(path), newer)
        return None
    except Exception as error:
        await problems.not_taken(path, error, ctx)
        raise


async def _take_folder(model: str, ctx: Context) -> str | None:
    folder = await _quiet_folder(model, ctx)
    if not folder.newest:
        return None
    drops = Drops(ctx.clients.runs)
    if await drops.taken(folder):
        await problems.settle(folder, (), ctx)
        return None
    if await drops.only_lacks(folder):
        log.info("%s: something was removed and nothing dropped since it was taken", model)
        return None
    if await _waits(folder, ctx):
        return None
    run_id, refused = await _run_of(folder, ctx)
    await problems.settle(folder, refused, ctx)
    await drops.take(folder, run_id or "", refused)  # last: until then the sweep takes it again
    return run_id


async def _waits(folder: Folder, ctx: Context) -> bool:
    """Whether the folder is not taken yet; what people can do about it is told beside the blob.
    It is not noted as taken, so the sweep looks again."""
    quiet = timedelta(seconds=ctx.settings.quiet_seconds)
    now = await ctx.clients.datasets.time()
    found = list(obstacles(folder, now, quiet, ctx.policy))
    for obstacle in found:
        log.info("%s waits for %s", folder.model, shown(obstacle.blob.name))
        if obstacle.error:
            await problems.explain(obstacle.blob.name, obstacle.error, ctx, waits=True)
    return bool(found)


async def _run_of(folder: Folder, ctx: Context) -> tuple[str | None, tuple[str, ...]]:
    """The id of the folder's run; or the blobs that were refused, each explained beside it."""
    try:
        run = await compose(folder, ctx)
        if run is None:
            return None, ()
        left = await in_no_run(folder, ctx)
        named = [blob.name for blob in left[:MAX_NAMED]]
        run = run.replace(left_out=tuple(named), left_out_more=len(left) - len(named))
        run_id = await enter(run, folder, ctx)
        await problems.leave_out(named, ctx)
        return run_id, ()
    except RefusedDrop as refused:
        for name, error in refused.errors.items():
            await problems.explain(name, error, ctx)
        return None, tuple(refused.errors)


async def _quiet_folder(model: str, ctx: Context) -> Folder:
    """The folder, once nobody has touched it for a while: the files of one drop come together. All
    times are storage's: whatever this host's clock says, the wait is never longer."""
    quiet = timedelta(seconds=ctx.settings.quiet_seconds)
    touched = None
    while True:
        looked_at = await ctx.clients.datasets.time()  # before it is listed: a list may be late
        folder = await look(model, ctx.clients.datasets)
        if not folder.newest:
            return folder
        if touched and folder.last_touched > touched:
            return Folder(model)  # its newest has an event of its own, so none waits for ever
        rest = min(folder.last_touched + quiet - looked_at, quiet)
        if rest <= timedelta(0):
            return folder
        await ctx.sleep(rest.total_seconds())
        touched = folder.last_touched


async def compose(folder: Folder, ctx: Context) -> Run | None:
    """The run of a folder; None without a training file. Raises RefusedDrop."""
    if DropRole.TRAINING not in folder.newest:
        log.info("%s waits for a training file", folder.model)
        return None
    dropped, held_out = folder.newest[DropRole.TRAINING], folder.newest.get(DropRole.VALIDATION)
    split = folder.lone and held_out is None
    spec = await _admit(folder, ctx, split=split)
    if split:
        training, validation = await _lone_files(dropped, ctx)
    else:
        training = await _file(dropped, ctx)
        validation = await _file(held_out, ctx) if held_out else None
    digest = ids.digest(training, validation, spec)
    asserted = folder.newest.get(DropRole.ASSERTIONS)
    return Run(
        id=ids.run_id(folder.model, digest),
        model=folder.model,
        digest=digest,
        spec=spec,
        training=training,
        validation=validation,
        assertions=await _file(asserted, ctx) if asserted else None,
    )


async def _admit(folder: Folder, ctx: Context, *, split: bool) -> Spec:
    """What its drop asks for. Raises RefusedDrop, with every file that is refused."""
    errors: dict[str, DropError] = {}
    for role, blob in folder.newest.items():
        try:
            if role is DropRole.TRAINING:
                admission.check_model_name(folder.model, ctx.settings)
                await admission.check_not_deleting(folder.model, ctx.registry)
            admission.check_kind(blob)
            if role in DATASET:
                admission.check_dataset_size(blob, split=split)
        except DropError as error:
            errors[blob.name] = error
    spec = None
    readable = {role: blob for role, blob in folder.newest.items() if blob.name not in errors}
    for role, blob in readable.items():
        try:
            if role is DropRole.SPEC:
                spec = await _spec(blob, folder.model, ctx)
            elif role is DropRole.ASSERTIONS:
                await _check_assertions(blob, ctx)
        except RefusedDrop as refused:
            errors |= refused.errors
    if errors:
        raise RefusedDrop(errors)
    return spec or effective(None, ctx.settings)


async def _check_assertions(promptfoo: BlobInfo, ctx: Context) -> None:
    """Before anything is paid for. Raises RefusedDrop."""
    with about(promptfoo):
        assertions.check_size(promptfoo.size)
        stream = ctx.datasets.stream(*promptfoo.version)
        assertions.read(b"".join([chunk async for chunk in stream]))


async def _spec(run_yaml: BlobInfo, model: str, ctx: Context) -> Spec:
    """Raises RefusedDrop."""
    with about(run_yaml):
        check_size(run_yaml.size)
        asked = b"".join([chunk async for chunk in ctx.datasets.stream(*run_yaml.version)])
        spec = _effective(asked, ctx)
        await admission.check_base_model(spec, model, ctx.registry, ctx.settings)
    return spec


def _effective(asked: bytes, ctx: Context) -> Spec:
    """Raises DropError, whatever it is that the file cannot be read for: the same bytes would fail
    in the same way at each try."""
    try:
        spec = effective(asked, ctx.settings)
        spec.model_dump_json()  # half of a surrogate pair cannot be written
    except TunedropError:
        raise
    except Exception as error:  # noqa: BLE001 - it is pure: whatever it raises is the file's fault
        log.warning("run.yaml: %s", type(error).__name__)
        raise DropError(
            f"run.yaml holds a value that cannot be read ({type(error).__name__}).",
            "Write plain texts and numbers, without tags, and drop it again.",
        ) from None
    return spec


async def _file(blob: BlobInfo, ctx: Context) -> File:
    return _with_digest(blob, await ctx.datasets.sha256(blob))


def _with_digest(blob: BlobInfo, sha256: str) -> File:
    return File(
        name=blob.name, etag=blob.etag, size=blob.size, sha256=sha256, modified=blob.modified
    )


async def _lone_files(blob: BlobInfo, ctx: Context) -> tuple[File, File | None]:
    """A lone dataset as the two sides of a split or, where it is too short for that, as it is."""
    copy = await ctx.copies.whole(ctx.datasets, *blob.version)
    whole = _with_digest(blob, copy.sha256)
    if copy.lines < WORTH_SPLITTING:
        return whole, None
    return whole.replace(share=Share.TRAINING), whole.replace(share=Share.VALIDATION)
