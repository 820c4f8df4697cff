"""What people drop, and where: the names that are understood, and what lies in a model's folder.

Knows names and times, not contents.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.cloud.container import BlobInfo, Container, is_blob_name
from shared.errors import DropError, NotFound
from shared.printable import printable, shown
from shared.run.clutter import is_clutter

MODEL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PROBLEM = ".problem.txt"  # what could not be taken is explained beside the drop
KEPT = 400  # characters of a name that is too long for its explanation to bear all of it
CANARY = "tunedrop-doctor/"  # what the doctor drops to see whether its event arrives
CANARY_NAME = re.compile(re.escape(CANARY) + r"(rights-)?[0-9a-f]{8}")
RESERVED = {CANARY.rstrip("/")}  # no model's: see `is_canary`


class DropRole(StrEnum):
    TRAINING = "training"
    VALIDATION = "validation"
    SPEC = "run.yaml"
    ASSERTIONS = "promptfooconfig.yaml"  # what answers must be like


NAMES = {
    DropRole.TRAINING: re.compile(r"\Atrain[^/]*\.jsonl"),
    DropRole.VALIDATION: re.compile(r"\Aval[^/]*\.jsonl"),
    DropRole.SPEC: re.compile(r"run\.ya?ml"),
    DropRole.ASSERTIONS: re.compile(r"promptfooconfig\.ya?ml"),
}


@dataclass
class Folder:
    """What lies in `datasets/<model>/`, and `datasets/<model>.jsonl`: the newest of each role."""

    model: str
    newest: dict[DropRole, BlobInfo] = field(default_factory=dict)
    older: list[tuple[DropRole, BlobInfo]] = field(default_factory=list)  # the others

    def add(self, role: DropRole, blob: BlobInfo) -> None:
        known = self.newest.get(role)
        if known and (known.modified, known.name) > (blob.modified, blob.name):
            known, blob = blob, known
        self.newest[role] = blob
        if known:
            self.older.append((role, known))

    @property
    def last_touched(self) -> datetime:
        return max(blob.modified for blob in self.newest.values())

    @property
    def lone(self) -> bool:
        """Whether its training file is a dataset that stands for itself."""
        return self.newest[DropRole.TRAINING].name == f"{self.model}.jsonl"


def parse(path: str) -> tuple[str, DropRole]:
    """The model and the role of a dropped blob. Raises DropError for a name nobody expects."""
    if printable(path) != path:
        raise DropError(
            f"{shown(path)} has a control character in its name.",
            "Drop it under a name of letters, digits, hyphens and underscores.",
        )
    model, _, name = path.partition("/")
    if not name:
        return _lone(path), DropRole.TRAINING
    _check_model(model)
    for role, pattern in NAMES.items():
        if pattern.fullmatch(name):
            return model, role
    raise DropError(
        f"Nothing is known to do with {shown(path)}.",
        "Name it training….jsonl, validation….jsonl, run.yaml or promptfooconfig.yaml.",
    )


def _lone(name: str) -> str:
    """The model of a dataset outside of every folder, which is named after it."""
    if any(pattern.fullmatch(name) for pattern in NAMES.values()) or not name.endswith(".jsonl"):
        raise DropError(
            f"{shown(name)} lies outside of a model's folder.",
            "Drop it as <model>/training_set.jsonl, or a whole dataset as <model>.jsonl.",
        )
    model = name.removesuffix(".jsonl")
    _check_model(model)
    return model


def _check_model(model: str) -> None:
    if not MODEL.fullmatch(model):
        raise DropError(
            f"'{shown(model)}' cannot be the name of a model.",
            "Use up to 40 lower-case letters, digits and hyphens, not beginning with a hyphen.",
        )
    if model in RESERVED:
        raise DropError(
            f"The app keeps the name {model} for itself.", "Choose another name for the model."
        )


def is_canary(path: str) -> bool:
    """Whether the doctor has put it there. It is deleted unread: nothing else may pass for it."""
    return CANARY_NAME.fullmatch(path) is not None


def problem_name(path: str) -> str:
    """Where it is explained why a blob was not taken: beside it, under its name. A name that leaves
    no room for that is cut and continued by its digest; of one that cannot be asked for, there is
    the digest alone."""
    beside = f"{path}{PROBLEM}"
    if is_blob_name(beside):
        return beside
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
    cut = f"{path[:KEPT]}~{digest[:32]}{PROBLEM}"
    return cut if is_blob_name(cut) else f"~{digest[:32]}{PROBLEM}"


async def look(model: str, datasets: Container) -> Folder:
    folder = Folder(model)
    async for blob in datasets.list(f"{model}/"):
        try:
            role = parse(blob.name)[1]
        except DropError:
            continue  # its own event explains it
        if not blob.is_folder:
            folder.add(role, blob)
    lone = await datasets.info(f"{model}.jsonl")
    if lone and not lone.is_folder:
        folder.add(DropRole.TRAINING, lone)
    return folder


@dataclass(frozen=True)
class Everything:
    """Every model's folder, the blobs that nobody expects, when what was explained, and the names
    of all that is no explanation."""

    folders: list[Folder]
    strange: list[BlobInfo]
    explained: dict[str, datetime]
    names: set[str]

    def is_explained(self, blob: BlobInfo) -> bool:
        """Whether it stands beside the blob as it is why it was not taken."""
        at = self.explained.get(problem_name(blob.name))
        return at is not None and at >= blob.modified


def is_meant(blob: BlobInfo) -> bool:
    """Whether somebody has dropped something there: an empty file under a name that says nothing is
    a folder's, or is written to later."""
    return not (blob.is_folder or blob.size == 0 or is_clutter(blob.name))


async def lies_there(path: str, datasets: Container) -> bool:
    """Whether there is such a blob, and somebody has meant to drop it."""
    try:
        blob = await datasets.info(path)
    except NotFound:  # listings show names that nobody can ask for
        return True
    return blob is not None and is_meant(blob)


async def look_everywhere(datasets: Container) -> Everything:
    folders: dict[str, Folder] = {}
    strange: list[BlobInfo] = []
    explained: dict[str, datetime] = {}
    names: set[str] = set()
    async for blob in datasets.list():
        if blob.name.endswith(PROBLEM):
            explained[blob.name] = blob.modified
            continue
        names.add(blob.name)
        if is_canary(blob.name):
            continue  # only its event may take it
        try:
            model, role = parse(blob.name)
        except DropError:
            if is_meant(blob):
                strange.append(blob)
            continue
        if not blob.is_folder:
            folders.setdefault(model, Folder(model)).add(role, blob)
    return Everything(list(folders.values()), strange, explained, names)
