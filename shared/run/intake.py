"""A drop becomes a run: which files belong together, when a drop is complete, which run it is.

    datasets/<model>/training*.jsonl (or train*)          starts a run
    datasets/<model>/validation*.jsonl (or valid*, val*)  belongs to it
    datasets/<model>/run.yaml                             belongs to it
    datasets/<model>.jsonl                                starts a run; its validation is split off

The identity of a run is the digest of what it is made of, so the same drop delivered twice, by
two instances, or again next week is the same run. Knows nothing of what happens to it then.
"""

import asyncio
import hashlib
import logging
from datetime import UTC, datetime, timedelta

from shared.cloud import Cloud
from shared.cloud.blobs import BlobInfo
from shared.errors import Conflict, DropError, Replaced
from shared.run.drops import Drops
from shared.run.folder import CANARY, PROBLEM, Folder, Role, look, parse
from shared.run.ledger import Ledger
from shared.run.record import File, Run, Share
from shared.run.spec import Spec, effective
from shared.run.stages import Seen

log = logging.getLogger(__name__)

WORTH_SPLITTING = 20  # lines of a lone dataset from which a tenth is held out for validation


async def take(path: str, cloud: Cloud) -> str | None:
    """Make the run that the blob `path` belongs to, once its folder is quiet; the run's id.

    `path` is the blob's name within the datasets container. None if there is no run to make:
    no training file yet, a drop that was taken before, or one that cannot be taken, which is then
    explained beside it. Whatever else goes wrong is explained there too, and raised.
    """
    if path.endswith(PROBLEM):
        return None
    if path.startswith(CANARY):
        await cloud.datasets.delete(path)  # that it vanishes tells the doctor that drops arrive
        return None
    try:
        model, _ = parse(path)
    except DropError as error:
        await _explain(path, error, cloud)
        return None
    try:
        run_id = await _take_folder(model, cloud)
    except (Conflict, Replaced):
        log.info("%s was dropped again while it was read; the newer drop has its own event", path)
        return None
    except Exception as error:
        await _not_taken(path, error, cloud)
        raise
    return run_id


async def _take_folder(model: str, cloud: Cloud) -> str | None:
    folder = await _quiet_folder(model, cloud)
    drops = Drops(cloud.runs)
    run = None
    if folder.newest and not await drops.taken(folder):
        run = await _compose(folder, cloud)
        if run:
            await _enter(run, folder, Ledger(cloud.runs))
        await drops.take(folder, run.id if run else "")
    for role, blob in folder.newest.items():
        if role is not Role.SPEC:  # its own problems are another matter
            await cloud.datasets.delete(f"{blob.name}{PROBLEM}")
    return run.id if run else None


async def _quiet_folder(model: str, cloud: Cloud) -> Folder:
    """The folder, once nobody has touched it for a while: the files of one drop come together."""
    quiet = timedelta(seconds=cloud.settings.quiet_seconds)
    while True:
        folder = await look(model, cloud.datasets)
        if not folder.newest:
            return folder
        rest = folder.last_touched + quiet - datetime.now(UTC)
        if rest <= timedelta(0):
            return folder
        await asyncio.sleep(rest.total_seconds())


async def _compose(folder: Folder, cloud: Cloud) -> Run | None:
    """The run of a folder; None without a training file or with a run.yaml that cannot be used."""
    if Role.TRAINING not in folder.newest:
        log.info("%s waits for a training file", folder.model)
        return None
    spec = await _spec(folder.newest.get(Role.SPEC), cloud)
    if spec is None:
        return None
    training = await _file(folder.newest[Role.TRAINING], cloud)
    held_out = folder.newest.get(Role.VALIDATION)
    validation = await _file(held_out, cloud) if held_out else None
    if validation is None and folder.lone and await _worth_splitting(training, cloud):
        training, validation = (
            training.model_copy(update={"share": share})
            for share in (Share.TRAINING, Share.VALIDATION)
        )
    return Run(
        id=identity(folder.model, training, validation, spec),
        model=folder.model,
        spec=spec,
        training=training,
        validation=validation,
    )


async def _spec(run_yaml: BlobInfo | None, cloud: Cloud) -> Spec | None:
    if run_yaml is None:
        return effective(None, cloud.settings)
    try:
        asked = b"".join([chunk async for chunk in cloud.datasets.stream(*run_yaml.version)])
        spec = effective(asked, cloud.settings)
    except DropError as error:
        await _explain(run_yaml.name, error, cloud)
        return None
    await cloud.datasets.delete(f"{run_yaml.name}{PROBLEM}")  # of an earlier, worse one
    return spec


def identity(model: str, training: File, validation: File | None, spec: Spec) -> str:
    whole = training.share is Share.ALL
    parts = [training.sha256, validation.sha256 if validation else "", spec.model_dump_json()]
    parts += [] if whole else ["split"]
    return f"{model}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"


async def _file(blob: BlobInfo, cloud: Cloud) -> File:
    digest = await cloud.datasets.sha256(blob)
    return File(
        name=blob.name, etag=blob.etag, size=blob.size, sha256=digest, modified=blob.modified
    )


async def _worth_splitting(file: File, cloud: Cloud) -> bool:
    lines = 0
    async for chunk in cloud.datasets.stream(file.name, file.etag):
        lines += chunk.count(b"\n")
        if lines >= WORTH_SPLITTING:
            return True
    return False


async def _enter(run: Run, folder: Folder, ledger: Ledger) -> None:
    """Enter a new run, or tell a known one that its content lies there again."""
    if await ledger.create(run):
        log.info("run %s received", run.id)
        if folder.older:
            said = f"left out, for newer ones lie there: {', '.join(sorted(folder.older))}"
            await ledger.tell(run, "drop", said)
        return

    def point_to_newest(known: Run) -> bool:
        if _etags(known) == _etags(run):
            return False
        for file, dropped in zip(known.files, run.files, strict=True):
            file.name, file.etag, file.modified = dropped.name, dropped.etag, dropped.modified
        return True

    known = await ledger.load(run.id)
    if known is None or _etags(known) == _etags(run):
        return  # the same event once more
    await ledger.tell(known, "drop", f"same content dropped again; the run is {known.stage}")
    if known.may_start_over:
        await ledger.take_up(known.id, Seen.DROPPED, change=point_to_newest)
    await ledger.amend(run.id, point_to_newest)


def _etags(run: Run) -> list[str]:
    return [file.etag for file in run.files]


async def _explain(path: str, error: DropError, cloud: Cloud) -> None:
    log.warning("drop not taken: %s", error.message)
    await _put_problem(path, str(error), cloud)


async def _not_taken(path: str, error: Exception, cloud: Cloud) -> None:
    """The host calls again up to five times, then the sweep does; until then people can see why."""
    log.error("%s could not be taken: %s", path, type(error).__name__)
    said = f"{path} could not be taken yet: {type(error).__name__}. It is tried again by itself."
    try:
        await _put_problem(path, said, cloud)
    except Exception as second:  # noqa: BLE001 - storage may be what is wrong; the first one counts
        log.error("nor could that be said beside it: %s", type(second).__name__)


async def _put_problem(path: str, said: str, cloud: Cloud) -> None:
    await cloud.datasets.put(f"{path}{PROBLEM}", f"{said}\n".encode(), "text/plain; charset=utf-8")
