"""Which versions a model has and which one is its champion: one JSON document per model.

A model is the name people chat with; every run that trains makes a version of it; the champion
is the version that serves. Knows nothing of how versions are trained or deployed.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import BaseModel

from shared.cloud.blobs import Container
from shared.errors import Conflict, NotFound, Refused

log = logging.getLogger(__name__)

TRIES = 8  # of a compare-and-swap; each lost race means that somebody else has won one


class Version(BaseModel):
    version: int
    run_id: str
    base_model: str
    fine_tuned_model: str
    deployment: str
    sku: str = "GlobalStandard"  # of a record from before this was kept
    capacity: int = 50  # thousands of tokens per minute
    created_at: datetime
    dropped_at: datetime | None = None  # its dataset; None in a record from before this was kept
    withdrawn: bool = False  # its run ended before it served; it has no deployment


class Model(BaseModel):
    name: str
    champion: int | None = None
    previous: int | None = None
    versions: list[Version] = []

    def version(self, number: int) -> Version:
        """Raises NotFound."""
        for version in self.versions:
            if version.version == number:
                return version
        known = ", ".join(str(version.version) for version in self.versions) or "none yet"
        raise NotFound(f"{self.name} has no version {number}.", f"It has: {known}.")

    @property
    def candidate(self) -> int | None:
        """The newest version, as long as it is not the champion."""
        newest = max((v.version for v in self.versions if not v.withdrawn), default=None)
        return newest if newest != self.champion else None

    def of_run(self, run_id: str) -> Version | None:
        return next((version for version in self.versions if version.run_id == run_id), None)


class Registry:
    def __init__(self, models: Container) -> None:
        self.models = models

    async def load(self, name: str) -> Model | None:
        """Raises Refused for a record that cannot be read."""
        found = await self.models.record(f"{name}.json", Model)
        return found[0] if found else None

    async def all(self) -> list[Model]:
        """Every model; one whose record cannot be read is left out, with a line in the log."""
        names = [blob.name async for blob in self.models.list() if blob.name.endswith(".json")]
        found = []
        for name in names:
            try:
                found.append(await self.load(name.removesuffix(".json")))
            except Refused as error:
                log.error("%s", error)
        return [model for model in found if model]

    async def add_version(
        self,
        name: str,
        run_id: str,
        *,
        base_model: str,
        fine_tuned_model: str,
        sku: str,
        capacity: int,
        dropped_at: datetime | None = None,
    ) -> Version:
        """The version that a run has made; a second call for the same run finds the first one."""

        def add(model: Model) -> None:
            if known := model.of_run(run_id):
                known.withdrawn = False
                return
            number = max((version.version for version in model.versions), default=0) + 1
            model.versions.append(
                Version(
                    version=number,
                    run_id=run_id,
                    base_model=base_model,
                    fine_tuned_model=fine_tuned_model,
                    deployment=f"{name}-v{number}",
                    sku=sku,
                    capacity=capacity,
                    created_at=datetime.now(UTC),
                    dropped_at=dropped_at,
                )
            )

        model = await self._change(name, add)
        version = model.of_run(run_id)
        assert version is not None, "add() has just seen to it"
        return version

    async def promote(self, name: str, number: int) -> Model:
        """Make a version the champion, unless the champion's dataset was dropped after its own: a
        run that was paused, retried or slow does not turn a model back. Raises NotFound."""

        def crown(model: Model) -> None:
            ours = model.version(number).dropped_at
            theirs = model.version(model.champion).dropped_at if model.champion else None
            if model.champion != number and not (ours and theirs and theirs > ours):
                model.previous, model.champion = model.champion, number

        return await self._change(name, crown)

    async def withdraw(self, name: str, number: int) -> Model:
        """A version that will not serve; the champion before it is the champion again.

        Raises NotFound.
        """

        def mark(model: Model) -> None:
            model.version(number).withdrawn = True
            if model.champion == number:
                model.champion, model.previous = model.previous, None

        return await self._change(name, mark)

    async def _change(self, name: str, change: Callable[[Model], None]) -> Model:
        """Apply `change` to the newest document and write it, again and again until it holds."""
        for _ in range(TRIES):
            found = await self.models.record(f"{name}.json", Model)
            model, etag = found or (Model(name=name), "")
            change(model)
            data = model.model_dump_json(indent=2).encode()
            try:
                if etag:
                    await self.models.replace(f"{name}.json", data, etag)
                else:
                    await self.models.create(f"{name}.json", data)
            except Conflict:
                continue
            return model
        raise Conflict(f"The record of model {name} changed {TRIES} times while it was written.")
