"""Which versions a model has and which one is its champion: one JSON document per model.

A model is the name people chat with; every run that trains makes a version of it; the champion
is the version that serves. Knows nothing of how versions are trained or deployed.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Literal, Self

from shared.catalog import facts
from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Frozen, Moment
from shared.errors import NotFound, Refused, TunedropError, Unreadable
from shared.model.history import MOST_KEPT, Change, Decision, champion_at, change
from shared.model.states import Cause, State

log = logging.getLogger(__name__)

Keep = Literal["always", "on-demand"]  # deployed at all times, or as long as it is used
ANYBODY = -1  # in the place of the champion's number: whoever it is
READS_AT_ONCE = 16  # records of a listing that are read side by side
MOST_STRETCHES = 1_000  # of one version's hosting; the oldest are left out


class Hosted(Frozen):
    """A stretch of time in which a version had a deployment, which Azure bills by the hour whether
    it is used or not. `until` is None as long as it lasts."""

    since: Moment
    until: Moment | None = None
    sku: str
    capacity: Count


class Version(Frozen):
    """`version` and `deployment` are given by the registry when the version is entered.

    `checkpoint` is the step that it was taken at, None for the finished model. `idle_after` is how
    many hours without a chat a version that is kept `on-demand` stays deployed, 0 for ever.
    """

    version: int = 0
    run_id: str
    base_model: str
    method: str = facts.SUPERVISED  # of fine-tuning
    fine_tuned_model: str
    deployment: str = ""
    sku: str
    capacity: int  # thousands of tokens per minute
    created_at: Moment
    dropped_at: Moment  # its dataset
    training_sha256: str | None = None  # of the training file as the service was sent it
    withdrawn: bool = False  # its run ended before it served; it has no deployment
    checkpoint: Count | None = None
    keep: Keep = "always"
    idle_after: float = 0.0
    asleep_since: Moment | None = None  # its deployment was removed then; a chat brings it back
    hosted: tuple[Hosted, ...] = ()

    @property
    def is_hosted(self) -> bool:
        """Whether it has a deployment, as far as the app knows."""
        return bool(self.hosted) and self.hosted[-1].until is None

    def hosted_from(self, at: datetime) -> Self:
        """A copy that has a deployment, as it is to be now: one of another size ends the stretch
        of the one before."""
        last = self.hosted[-1] if self.is_hosted else None
        if last and (last.sku, last.capacity) == (self.sku, self.capacity):
            return self
        begun = Hosted(since=at, sku=self.sku, capacity=self.capacity)
        ended = self.hosted_until(at).hosted
        return self.replace(hosted=(*ended, begun)[-MOST_STRETCHES:])

    def hosted_until(self, at: datetime) -> Self:
        """A copy without a deployment."""
        if not self.is_hosted:
            return self
        last = self.hosted[-1]
        ended = last.replace(until=max(at, last.since))
        return self.replace(hosted=(*self.hosted[:-1], ended))


class Model(Document):
    newest_schema: ClassVar[int] = 2  # since there is a history

    name: str
    champion: int | None = None
    previous: int | None = None
    versions: tuple[Version, ...] = ()
    history: tuple[Change, ...] = ()
    numbered: Count = 0  # the highest number given: that of a deleted version is not given again
    deleting: Moment | None = None  # by order, since then: it answers no chat and takes no drop

    def misfit(self, name: str) -> str | None:
        if name != f"{self.name}.json":
            return "it is of another model"
        numbers = [version.version for version in self.versions]
        if len(set(numbers)) < len(numbers):
            return "two of its versions have one number"
        if {self.champion, self.previous} - {None, *numbers}:
            return "its champion is none of its versions"
        return None

    def version(self, number: int) -> Version:
        """Raises NotFound."""
        for version in self.versions:
            if version.version == number:
                return version
        known = ", ".join(str(version.version) for version in self.versions) or "none yet"
        raise NotFound(f"{self.name} has no version {number}.", f"It has: {known}.")

    @property
    def candidate(self) -> int | None:
        """The newest version that has not answered yet and is not of an older dataset."""
        numbers = (version.version for version in self.versions)
        return max((n for n in numbers if self.state_of(n) is State.CANDIDATE), default=None)

    def state_of(self, number: int) -> State:
        """Raises NotFound."""
        version = self.version(number)
        if version.withdrawn:
            return State.WITHDRAWN
        if number == self.champion:
            return State.CHAMPION
        served = number == self.previous or any(known.version == number for known in self.history)
        older = self.champion and version.dropped_at < self.version(self.champion).dropped_at
        return State.RETIRED if served or older else State.CANDIDATE

    @property
    def champion_before(self) -> int | None:
        """The version that answered right before it and is still there, whatever its number."""
        earlier = (self.previous, *(known.before for known in reversed(self.history)))
        there = {version.version for version in self.versions if not version.withdrawn}
        return next((n for n in earlier if n in there and n != self.champion), None)

    def served_at(self, at: datetime) -> Change | None:
        """The change that made the champion of that moment, as far as it is known."""
        return champion_at(self.history, at)

    def with_champion(self, number: int | None, decision: Decision) -> Self:
        """A copy with another champion, whose history says so."""
        kept = (*self.history, change(decision, number, self.champion))[-MOST_KEPT:]
        return self.replace(champion=number, previous=self.champion, history=kept)

    def of_run(self, run_id: str) -> Version | None:
        return next((version for version in self.versions if version.run_id == run_id), None)

    def with_version(self, changed: Version) -> Self:
        """A copy in which the version of this number is another, or is there for the first time."""
        others = [version for version in self.versions if version.version != changed.version]
        ordered = sorted([*others, changed], key=lambda version: version.version)
        return self.replace(versions=tuple(ordered))


class Registry:
    def __init__(self, models: Container) -> None:
        self.models = models

    async def load(self, name: str) -> Model | None:
        """Raises Unreadable for a record that cannot be read."""
        found = await self.models.record(f"{name}.json", Model)
        return found[0] if found else None

    async def all(self, problems: list[TunedropError] | None = None) -> list[Model]:
        """Every model. One whose record cannot be read is left out, with a line in the log; why is
        added to `problems`."""
        names = [blob.name async for blob in self.models.list() if blob.name.endswith(".json")]
        room = asyncio.Semaphore(READS_AT_ONCE)

        async def load(name: str) -> Model | None:
            try:
                async with room:
                    return await self.load(name.removesuffix(".json"))
            except (Unreadable, NotFound) as error:
                log.error("%s", error)
                if problems is not None:
                    problems.append(error)
                return None

        return [model for model in await asyncio.gather(*map(load, names)) if model]

    async def add_version(self, name: str, version: Version) -> Version:
        """Enter the version that a run has made; a second call for the same run finds the first,
        which is to be deployed as this one says. Raises Refused while the model is deleted."""

        def add(model: Model) -> Model:
            if model.deleting:
                raise Refused(f"{name} is being deleted: it takes no new version.")
            if known := model.of_run(version.run_id):
                asked = {"sku": version.sku, "capacity": version.capacity, "asleep_since": None}
                return model.with_version(known.replace(withdrawn=False, **asked))
            number = max(model.numbered, *(known.version for known in model.versions), 0) + 1
            entered = version.replace(version=number, deployment=f"{name}-v{number}")
            return model.with_version(entered).replace(numbered=number)

        entered = (await self._update(name, add)).of_run(version.run_id)
        assert entered is not None, "add() has just entered it"
        return entered

    async def set_deployment(self, name: str, changed: Version, at: datetime) -> Model:
        """The version of this number has been deployed as `changed` is since then. Raises
        NotFound."""

        def change(model: Model) -> Model:
            known = model.version(changed.version)
            asked = {"sku": changed.sku, "capacity": changed.capacity, "asleep_since": None}
            return model.with_version(known.replace(**asked).hosted_from(at))

        return await self._update(name, change)

    async def note_hosted(self, name: str, number: int, at: datetime) -> Model:
        """The version has had a deployment, of its SKU and capacity, since then; as before where
        that is known. It does not sleep any more. Raises NotFound."""
        return await self._change_version(
            name, number, lambda known: known.replace(asleep_since=None).hosted_from(at)
        )

    async def note_unhosted(self, name: str, number: int, at: datetime) -> Model:
        """The version has had no deployment since then. Raises NotFound."""
        return await self._change_version(name, number, lambda known: known.hosted_until(at))

    async def promote(
        self, name: str, number: int, decision: Decision, *, expected: int | None = ANYBODY
    ) -> Model:
        """Make a version the champion, unless the champion's dataset was dropped after its own: a
        run that was paused, retried or slow does not turn a model back. Nor does a version that was
        withdrawn, nor any while the champion is not the one that is `expected`. Raises NotFound."""

        def crown(model: Model) -> Model:
            version, other = model.version(number), expected not in (ANYBODY, model.champion)
            newer = model.champion and model.version(model.champion).dropped_at > version.dropped_at
            if model.champion == number or newer or version.withdrawn or other:
                return model
            return model.with_champion(number, decision)

        return await self._update(name, crown)

    async def withdraw(self, name: str, number: int, decision: Decision) -> Model:
        """A version that will not serve; the champion before it is the champion again. Raises
        NotFound."""

        def mark(model: Model) -> Model:
            marked = model.with_version(model.version(number).replace(withdrawn=True))
            if model.champion == number:
                withdrawn = replace(decision, cause=Cause.WITHDRAWN)
                back = marked.with_champion(marked.champion_before, withdrawn)
                return back.replace(previous=None)
            return marked.replace(previous=None) if model.previous == number else marked

        return await self._update(name, mark)

    async def put_to_sleep(
        self, name: str, number: int, at: datetime, may: Callable[[Model], bool]
    ) -> Model:
        """The version sleeps since then, if the model as it is now `may` do without its deployment:
        no chat is sent to that any more. Raises NotFound."""

        def sleep(model: Model) -> Model:
            version = model.version(number)
            if version.asleep_since or version.withdrawn or not may(model):
                return model
            return model.with_version(version.replace(asleep_since=at))

        return await self._update(name, sleep)

    async def keep_as(self, name: str, number: int, keep: Keep, idle_after: float) -> Model:
        """How long the version stays deployed, from now on. Raises NotFound."""
        return await self._change_version(
            name, number, lambda known: known.replace(keep=keep, idle_after=idle_after)
        )

    async def use_finished(self, name: str, number: int, model: str) -> Model:
        """The version is the finished model, and no checkpoint. Raises NotFound."""
        return await self._change_version(
            name, number, lambda known: known.replace(fine_tuned_model=model, checkpoint=None)
        )

    async def _change_version(
        self, name: str, number: int, change: Callable[[Version], Version]
    ) -> Model:
        return await self._update(
            name, lambda model: model.with_version(change(model.version(number)))
        )

    async def _update(self, name: str, change: Callable[[Model], Model]) -> Model:
        """Raises Unavailable if others always write first."""
        updated = await self.models.update(
            f"{name}.json", Model, lambda known: change(known or Model(name=name))
        )
        assert updated is not None, "a change of a model is never None"
        return updated
