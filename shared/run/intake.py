"""A drop becomes a run: which files belong together, when a drop is complete, which run it is.

    datasets/<model>/training*.jsonl (or train*)          starts a run
    datasets/<model>/validation*.jsonl (or valid*, val*)  belongs to it
    datasets/<model>/run.yaml                             belongs to it

The identity of a run is the digest of what it is made of, so the same drop delivered twice, by
two instances, or again next week is the same run. Knows nothing of what happens to it then.
"""

import asyncio
import hashlib
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.cloud import Cloud
from shared.cloud.blobs import BlobInfo, Container
from shared.errors import Changed, DropError
from shared.run.ledger import File, Ledger, Run
from shared.run.spec import Spec, effective

log = logging.getLogger(__name__)

MODEL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PROBLEM = ".problem.txt"  # what could not be taken is explained beside the drop


class Role(StrEnum):
    TRAINING = "training"
    VALIDATION = "validation"
    SPEC = "run.yaml"


NAMES = {
    Role.TRAINING: re.compile(r"train[^/]*\.jsonl"),
    Role.VALIDATION: re.compile(r"val[^/]*\.jsonl"),
    Role.SPEC: re.compile(r"run\.ya?ml"),
}


@dataclass
class Folder:
    """What lies in `datasets/<model>/`: the newest blob of each role."""

    model: str
    newest: dict[Role, BlobInfo] = field(default_factory=dict)

    @property
    def last_touched(self) -> datetime:
        return max(blob.modified for blob in self.newest.values())


async def take(path: str, cloud: Cloud) -> str | None:
    """Make the run that the blob `path` belongs to, once its folder is quiet; the run's id.

    `path` is the blob's name within the datasets container. None if there is no run to make:
    no training file yet, or a drop that cannot be taken, which is then explained beside it.
    """
    if path.endswith(PROBLEM):
        return None
    try:
        model, _ = parse(path)
    except DropError as error:
        await _explain(path, error, cloud.datasets)
        return None
    try:
        run = await _compose(await _quiet_folder(model, cloud), cloud)
    except Changed:
        log.info("%s was dropped again while it was read; the newer drop has its own event", path)
        return None
    if run:
        await _enter(run, Ledger(cloud.runs))
    return run.id if run else None


def parse(path: str) -> tuple[str, Role]:
    """The model and the role of a dropped blob. Raises DropError for a name nobody expects."""
    model, _, name = path.partition("/")
    if not name:
        raise DropError(
            f"{path} lies outside of a model's folder.",
            "Drop it as <model>/training_set.jsonl.",
        )
    if not MODEL.fullmatch(model):
        raise DropError(
            f"{model!r} cannot be the name of a model.",
            "Use up to 40 lower-case letters, digits and hyphens, not beginning with a hyphen.",
        )
    for role, pattern in NAMES.items():
        if pattern.fullmatch(name):
            return model, role
    raise DropError(
        f"Nothing is known to do with {path}.",
        "Name it training….jsonl, validation….jsonl or run.yaml.",
    )


async def _quiet_folder(model: str, cloud: Cloud) -> Folder:
    """The folder, once nobody has touched it for a while: the files of one drop come together."""
    quiet = timedelta(seconds=cloud.settings.quiet_seconds)
    while True:
        folder = await _look(model, cloud.datasets)
        if not folder.newest:
            return folder
        rest = folder.last_touched + quiet - datetime.now(UTC)
        if rest <= timedelta(0):
            return folder
        await asyncio.sleep(rest.total_seconds())


async def _look(model: str, datasets: Container) -> Folder:
    folder = Folder(model)
    async for blob in datasets.list(f"{model}/"):
        try:
            _, role = parse(blob.name)
        except DropError:
            continue  # its own event explains it
        known = folder.newest.get(role)
        if known is None or blob.modified > known.modified:
            folder.newest[role] = blob
    return folder


async def _compose(folder: Folder, cloud: Cloud) -> Run | None:
    """The run of a folder; None without a training file or with a run.yaml that cannot be used."""
    if Role.TRAINING not in folder.newest:
        log.info("%s waits for a training file", folder.model)
        return None
    spec = await _spec(folder.newest.get(Role.SPEC), cloud)
    if spec is None:
        return None
    training = await _file(folder.newest[Role.TRAINING], cloud.datasets)
    held_out = folder.newest.get(Role.VALIDATION)
    validation = await _file(held_out, cloud.datasets) if held_out else None
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
        spec = effective(await _bytes(run_yaml, cloud.datasets), cloud.settings)
    except DropError as error:
        await _explain(run_yaml.name, error, cloud.datasets)
        return None
    await cloud.datasets.delete(f"{run_yaml.name}{PROBLEM}")  # of an earlier, worse one
    return spec


def identity(model: str, training: File, validation: File | None, spec: Spec) -> str:
    parts = [training.sha256, validation.sha256 if validation else "", spec.model_dump_json()]
    return f"{model}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"


async def _file(blob: BlobInfo, datasets: Container) -> File:
    return File(name=blob.name, etag=blob.etag, size=blob.size, sha256=await datasets.sha256(blob))


async def _bytes(blob: BlobInfo, datasets: Container) -> bytes:
    return b"".join([chunk async for chunk in datasets.stream(blob.name, blob.etag)])


async def _enter(run: Run, ledger: Ledger) -> None:
    """Enter a new run, or tell a known one that its content lies there again."""
    if await ledger.create(run):
        log.info("run %s received", run.id)
        return

    def point_to_newest(known: Run) -> bool:
        moved = [file.etag for file in known.files] != [file.etag for file in run.files]
        for file, dropped in zip(known.files, run.files, strict=True):
            file.name, file.etag = dropped.name, dropped.etag
        return moved

    known = await ledger.amend(run.id, point_to_newest)
    if known is None:
        return  # the same event once more
    await ledger.tell(known, "drop", f"same content dropped again; the run is {known.stage}")
    if known.may_start_over:
        await ledger.start_over(known)


async def _explain(path: str, error: DropError, datasets: Container) -> None:
    log.warning("drop not taken: %s", error.what)
    await datasets.put(f"{path}{PROBLEM}", f"{error}\n".encode(), "text/plain; charset=utf-8")
