"""The list of drops that were not taken: each with its reason, for the API, the console, the tool.

    refusals/drops/<model>/<digest>     a file of a drop: training, validation or run.yaml
    refusals/names/<model>/<digest>     a blob whose name says nothing to the app; `~` for no model
    refusals/left-out/<model>/<digest>  a file beside which a newer one was taken

in the runs container. The digest is of the blob's name, so a blob stands there once, however often
it is refused. Each kind keeps its newest entries: as many as anybody looks through, whatever number
of blobs somebody drops; the sweep counts the others. Knows names and sentences, not why.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.cloud.container import BlobInfo, Container
from shared.cloud.documents import Count, Document, Moment, as_json
from shared.errors import DropError, NotFound, TunedropError, Unreadable
from shared.printable import printable
from shared.run.folder import MODEL, parse, problem_name

log = logging.getLogger(__name__)

PREFIX = "refusals/"
HIDDEN = "reconciler/unlisted.json"
NO_MODEL = "~"
SHOWN = 20  # entries that one answer reads
KEPT = 100  # entries of one kind
MODELS = 1_000  # of which it is kept how many are not in the list


class Kind(StrEnum):
    DROP = "drops"
    NAME = "names"
    LEFT_OUT = "left-out"


TOLD = (Kind.DROP, Kind.NAME)  # in this order; what was left out is told by the run that was made


class Refusal(Document):
    """Why the blob `name` of the datasets container was not taken; `waits` where the app looks
    again by itself. `model` is empty where the name has none."""

    name: str
    model: str = ""
    message: str
    fix: str = ""
    waits: bool = False
    at: Moment

    def as_json(self) -> dict[str, object]:
        """As the API shows it: `explanation` is the blob that says the same, beside the drop."""
        told = self.model_dump(mode="json", exclude={"schema_version"})
        return told | {
            "name": printable(self.name),
            "explanation": printable(problem_name(self.name)),
        }


class Hidden(Document):
    """How many blobs had an explanation and no entry when the sweep last looked, for the list was
    full: all, and of each model; `""` is no model's."""

    count: Count = 0
    models: dict[str, Count] = Field({})


@dataclass(frozen=True)
class Page:
    """The newest entries, and how many there are of all."""

    refusals: list[Refusal]
    count: int


class Refusals:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def note(self, refusal: Refusal, kind: Kind | None = None) -> None:
        """In the place of what was noted of that blob before; the oldest beyond KEPT go."""
        path = _path(refusal.name, kind)
        await self.runs.put(path, as_json(refusal), "application/json")
        for other in paths(refusal.name) - {path}:
            await self.runs.delete(other)
        under = PREFIX + path.split("/")[1] + "/"
        for old in _newest_first(await self._infos(under))[KEPT:]:
            await self.runs.delete(old.name)

    async def forget(self, name: str) -> None:
        for path in paths(name):
            await self.runs.delete(path)

    async def of_model(self, model: str, kind: Kind) -> set[str]:
        """The names of what is noted of this model's drops."""
        found = await self._read(await self._infos(f"{PREFIX}{kind}/{model}/"), [])
        return {one.name for one in found}

    async def entries(self) -> list[str]:
        """Where something is noted: the blobs' names."""
        return [info.name for info in await self._infos(PREFIX)]

    async def entry(self, path: str) -> Refusal | None:
        """Raises Unreadable."""
        found = await self.runs.record(path, Refusal)
        return found[0] if found else None

    async def remove(self, path: str) -> None:
        await self.runs.delete(path)

    async def newest(self, model: str | None, problems: list[TunedropError]) -> Page:
        """Those of a model, or of all; files of drops come before names that say nothing. What
        cannot be read goes to `problems`."""
        if model is not None and not MODEL.fullmatch(model):
            return Page([], 0)
        listed = []
        for kind in TOLD:
            infos = await self._infos(f"{PREFIX}{kind}/{f'{model}/' if model else ''}")
            listed += _newest_first(infos)
        hidden = await self._hidden()
        more = hidden.count if model is None else hidden.models.get(model, 0)
        return Page(await self._read(listed[:SHOWN], problems), len(listed) + more)

    async def keep_hidden(self, models: Counter[str]) -> None:
        """How many of each model are not in the list, which is full."""
        hidden = Hidden(count=models.total(), models=dict(models.most_common(MODELS)))
        if hidden != await self._hidden():
            await self.runs.put(HIDDEN, as_json(hidden), "application/json")

    async def _hidden(self) -> Hidden:
        try:
            found = await self.runs.record(HIDDEN, Hidden)
        except Unreadable as error:
            log.warning("%s", error.message)
            return Hidden()
        return found[0] if found else Hidden()

    async def _infos(self, under: str) -> list[BlobInfo]:
        return [blob async for blob in self.runs.list(under)]

    async def _read(self, infos: list[BlobInfo], problems: list[TunedropError]) -> list[Refusal]:
        async def read(name: str) -> Refusal | None:
            try:
                found = await self.runs.record(name, Refusal)
            except Unreadable as error:
                problems.append(error)
                return None
            return found[0] if found else None

        found = await asyncio.gather(*(read(info.name) for info in infos))
        return [refusal for refusal in found if refusal]


def refusal(name: str, error: DropError, at: datetime, *, waits: bool = False) -> Refusal:
    model, _ = place(name)
    return Refusal(
        name=_writable(name),
        model=model,
        message=error.message,
        fix=error.fix,
        waits=waits,
        at=at,
    )


async def still_there(name: str, datasets: Container) -> bool:
    try:
        return await datasets.info(name) is not None
    except NotFound:  # nobody can ask for it: what a listing does not show is gone
        return False


def _newest_first(infos: list[BlobInfo]) -> list[BlobInfo]:
    return sorted(infos, key=lambda info: (info.modified, info.name), reverse=True)


def paths(name: str) -> set[str]:
    """Where a blob may stand."""
    return {_path(name, None), _path(name, Kind.LEFT_OUT)}


def _path(name: str, kind: Kind | None) -> str:
    model, found = place(name)
    digest = hashlib.sha256(_writable(name).encode()).hexdigest()[:32]
    return f"{PREFIX}{kind or found}/{model or NO_MODEL}/{digest}"


def _writable(name: str) -> str:
    """Half of a surrogate pair cannot be written."""
    return name.encode(errors="replace").decode()


def place(name: str) -> tuple[str, Kind]:
    """The model whose folder the blob lies in, if that can be one; and what it is to the app."""
    try:
        return parse(name)[0], Kind.DROP
    except DropError:
        folder, inside, _ = name.partition("/")
        return folder if inside and MODEL.fullmatch(folder) else "", Kind.NAME
