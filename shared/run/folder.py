"""What people drop, and where: the names that are understood, and what lies in a model's folder.

Knows names and times, not contents.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.cloud.container import BlobInfo, Container
from shared.errors import DropError

MODEL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PROBLEM = ".problem.txt"  # what could not be taken is explained beside the drop
CANARY = "tunedrop-doctor/"  # what the doctor drops to see whether its event arrives


class DropRole(StrEnum):
    TRAINING = "training"
    VALIDATION = "validation"
    SPEC = "run.yaml"


NAMES = {
    DropRole.TRAINING: re.compile(r"\Atrain[^/]*\.jsonl"),
    DropRole.VALIDATION: re.compile(r"\Aval[^/]*\.jsonl"),
    DropRole.SPEC: re.compile(r"run\.ya?ml"),
}


@dataclass
class Folder:
    """What lies in `datasets/<model>/`, and `datasets/<model>.jsonl`: the newest of each role."""

    model: str
    newest: dict[DropRole, BlobInfo] = field(default_factory=dict)
    older: list[str] = field(default_factory=list)  # names of the others

    def add(self, role: DropRole, blob: BlobInfo) -> None:
        known = self.newest.get(role)
        if known and (known.modified, known.name) > (blob.modified, blob.name):
            known, blob = blob, known
        self.newest[role] = blob
        if known:
            self.older.append(known.name)

    @property
    def last_touched(self) -> datetime:
        return max(blob.modified for blob in self.newest.values())

    @property
    def lone(self) -> bool:
        """Whether its training file is a dataset that stands for itself."""
        return self.newest[DropRole.TRAINING].name == f"{self.model}.jsonl"


def parse(path: str) -> tuple[str, DropRole]:
    """The model and the role of a dropped blob. Raises DropError for a name nobody expects."""
    model, _, name = path.partition("/")
    if not name:
        return _lone(path), DropRole.TRAINING
    if not MODEL.fullmatch(model):
        raise _bad_model(model)
    for role, pattern in NAMES.items():
        if pattern.fullmatch(name):
            return model, role
    raise DropError(
        f"Nothing is known to do with {path}.",
        "Name it training….jsonl, validation….jsonl or run.yaml.",
    )


def _lone(name: str) -> str:
    """The model of a dataset outside of every folder, which is named after it."""
    if any(pattern.fullmatch(name) for pattern in NAMES.values()) or not name.endswith(".jsonl"):
        raise DropError(
            f"{name} lies outside of a model's folder.",
            "Drop it as <model>/training_set.jsonl, or a whole dataset as <model>.jsonl.",
        )
    model = name.removesuffix(".jsonl")
    if not MODEL.fullmatch(model):
        raise _bad_model(model)
    return model


def _bad_model(model: str) -> DropError:
    return DropError(
        f"{model!r} cannot be the name of a model.",
        "Use up to 40 lower-case letters, digits and hyphens, not beginning with a hyphen.",
    )


async def look(model: str, datasets: Container) -> Folder:
    folder = Folder(model)
    async for blob in datasets.list(f"{model}/"):
        try:
            folder.add(parse(blob.name)[1], blob)
        except DropError:
            continue  # its own event explains it
    if lone := await datasets.info(f"{model}.jsonl"):
        folder.add(DropRole.TRAINING, lone)
    return folder


async def look_everywhere(datasets: Container) -> tuple[list[Folder], list[str]]:
    """Every model's folder, and the blobs that nobody expects and that were not explained yet."""
    folders: dict[str, Folder] = {}
    strange: dict[str, BlobInfo] = {}
    explained: dict[str, datetime] = {}
    async for blob in datasets.list():
        if blob.name.endswith(PROBLEM):
            explained[blob.name.removesuffix(PROBLEM)] = blob.modified
            continue
        if blob.name.startswith(CANARY):
            continue  # only its event may take it
        try:
            model, role = parse(blob.name)
        except DropError:
            strange[blob.name] = blob
        else:
            folders.setdefault(model, Folder(model)).add(role, blob)
    unexplained = [
        name
        for name, blob in strange.items()
        if name not in explained or explained[name] < blob.modified
    ]
    return list(folders.values()), unexplained
