"""Orders of people about a model's champion: promote a version, or roll back to the one before.

An order is a document, `orders/<model>` in the models container, from the moment it is given until
it is carried out, cannot be, or is taken back. A model has one at a time; a newer takes the place
of an older that still waits, and one for the champion of now has nothing else to do. Knows what is
asked for and what the registry makes of it, not how a version comes to answer (`run.readiness`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Moment, as_json
from shared.errors import NotFound, NotNow, Unavailable, Unreadable
from shared.model.history import Decision
from shared.model.registry import Model, Registry
from shared.model.states import Cause

log = logging.getLogger(__name__)

PREFIX = "orders/"  # no model's record is called so: those end in .json


class Order(Document):
    """`version` is to become the champion in the place of `expected`, which whoever ordered it has
    seen; None: there was none. `id` becomes the change's, and so does `verdict`, the digest of the
    version's own. `waits`: what is in the way, for people."""

    id: str
    model: str
    version: Count
    expected: Count | None
    cause: Cause
    who: str
    why: str = ""
    at: Moment
    verdict: str = ""
    waits: str = ""

    def misfit(self, name: str) -> str | None:
        return None if name == f"{PREFIX}{self.model}" else "it is of another model"

    @property
    def called(self) -> str:
        return f"{self.model}@{self.version}"

    @property
    def before(self) -> str:
        return f"{self.model}@{self.expected}" if self.expected else "nobody"

    @property
    def verb(self) -> str:
        return "roll back" if self.cause is Cause.ROLLED_BACK else "promote"


@dataclass(frozen=True, slots=True)
class Orders:
    models: Container

    async def of(self, model: str) -> Order | None:
        """Raises Unreadable."""
        found = await self.models.record(f"{PREFIX}{model}", Order)
        return found[0] if found else None

    async def put(self, order: Order) -> None:
        await self.models.put(f"{PREFIX}{order.model}", as_json(order), "application/json")

    async def note(self, order: Order, waits: str) -> None:
        """What is in its way, unless another order has taken its place."""
        await self.models.update(
            f"{PREFIX}{order.model}",
            Order,
            lambda known: known.replace(waits=waits) if known and known.id == order.id else None,
        )

    async def done(self, order: Order) -> None:
        """It is carried out, or cannot be. One that took its place meanwhile stays."""
        if await self.stands(order):
            await self.models.delete(f"{PREFIX}{order.model}")

    async def stands(self, order: Order) -> bool:
        """Whether it is the model's order still. Raises Unreadable."""
        found = await self.of(order.model)
        return found is not None and found.id == order.id

    async def awaited(self) -> set[str]:
        """The versions that are to become a champion, as MODEL@N, of the orders that can be read.
        Raises Unavailable."""
        found = set[str]()
        for name in await self.all():
            try:
                order = await self.of(name)
            except Unreadable as error:  # the tick that carries orders out tells it
                log.debug("%s", error)
                continue
            if order:
                found.add(order.called)
        return found

    async def all(self) -> list[str]:
        """The models with an order."""
        return [blob.name.removeprefix(PREFIX) async for blob in self.models.list(PREFIX)]


def check_promotable(model: Model, number: int) -> None:
    """Raises NotFound, and NotNow for a version that cannot serve any more."""
    if model.deleting:
        raise being_deleted(model.name)
    version = model.version(number)
    if version.withdrawn:
        raise NotNow(
            f"{model.name}@{number} was withdrawn: its run was ended, and it has no deployment.",
            f"`tunedrop deploy {version.run_id}` deploys what that run has trained.",
        )


def to_roll_back_to(model: Model) -> int:
    """Raises NotNow where no version has answered before the champion."""
    if (number := model.champion_before) is not None:
        return number
    champion = (
        f"{model.name}@{model.champion}" if model.champion else f"any version of {model.name}"
    )
    known = ", ".join(f"{model.name}@{v.version}" for v in model.versions if not v.withdrawn)
    raise NotNow(
        f"No version of {model.name} has answered before {champion}: there is no way back.",
        f"`tunedrop promote` makes one of these the champion: {known or 'none'}.",
    )


async def promote(registry: Registry, order: Order, decision: Decision) -> Model:
    """One compare-and-swap against what the person saw. An order that was carried out is not
    carried out again, whatever has happened since. Raises NotFound and NotNow, and Unavailable for
    a version that was put to sleep meanwhile, and changes nothing then."""

    def crown(known: Model | None) -> Model:
        if known is None:
            raise NotFound(f"There is no model {order.model}.", "`tunedrop models` lists them.")
        if known.champion == order.version or is_carried_out(known, order):
            return known
        check_promotable(known, order.version)
        check_expected(known, order.expected)
        if known.version(order.version).asleep_since:
            raise Unavailable(f"{order.called} was put to sleep in this moment.", "It is woken.")
        return known.with_champion(order.version, decision)

    promoted = await registry.models.update(f"{order.model}.json", Model, crown)
    assert promoted is not None, "crown() is never None"
    return promoted


def decision_of(order: Order, at: datetime) -> Decision:
    """`at`: the champion changes then, which may be long after the order was given."""
    return Decision(at, order.cause, order.who, order.why, order.verdict, order.id)


def is_carried_out(model: Model, order: Order) -> bool:
    return any(change.id == order.id for change in model.history)


def check_expected(model: Model, expected: int | None) -> None:
    """Raises NotNow where the champion is not the one that was seen."""
    if model.champion == expected:
        return
    seen = f"{model.name}@{expected}" if expected else "nobody"
    now = f"{model.name}@{model.champion}" if model.champion else "nobody"
    last = model.history[-1] if model.history else None
    by = f" ({last.cause} by {last.who}, {last.at:%Y-%m-%d %H:%M} UTC)" if last else ""
    raise NotNow(
        f"The champion is {now} by now{by}; this was ordered when it was {seen}. Nothing was "
        "changed.",
        f"Look at `tunedrop models {model.name}`, then order it again.",
    )


def being_deleted(name: str) -> NotNow:
    return NotNow(f"{name} is being deleted.", "Wait until it is gone, then drop a dataset.")
