"""A champion whose deployment is gone: a chat leaves a request, and what has become of it is kept.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
the blob `wake/<model>` in the models container; `redeploy/<model>` beside it says how often the
deployment was asked for and what is in the way. Knows who asks and what is told, not how a
deployment is made.
"""

import logging
import time
from datetime import datetime

from shared import telemetry
from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Moment, as_json
from shared.errors import Newer, TunedropError, Unreadable

log = logging.getLogger(__name__)

REQUESTS = "wake/"
STATES = "redeploy/"  # no model's record is called so: those end in .json
MIN_INTERVAL_SECONDS = 30.0  # between two requests for one model: one is as good as a thousand


class Redeployment(Document):
    """What has become of the request for a champion's deployment. `tries` are when it was asked
    for; `misses` counts what went wrong in a row; `problem` and `fix` are for people."""

    model: str
    version: Count
    tries: tuple[Moment, ...] = ()
    misses: Count = 0
    not_before: Moment | None = None
    problem: str = ""
    fix: str = ""

    def misfit(self, name: str) -> str | None:
        return None if name == f"{STATES}{self.model}" else "it is of another model"

    def resting(self, at: datetime) -> bool:
        return self.not_before is not None and at < self.not_before

    @property
    def told(self) -> str:
        """What a person should know, in sentences; empty where nothing is in the way."""
        if not self.problem:
            return ""
        parts = [self.problem, self.fix]
        if self.not_before:
            parts.append(f"It is tried again at {self.not_before:%Y-%m-%d %H:%M} UTC.")
        return " ".join(part for part in parts if part)


class RedeployRequests:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._added_at: dict[str, float] = {}

    async def add(self, model: str) -> None:
        """Request a deployment for the model's champion. Never raises for storage."""
        since = time.monotonic() - self._added_at.get(model, -MIN_INTERVAL_SECONDS)
        if since < MIN_INTERVAL_SECONDS:
            return
        self._added_at[model] = time.monotonic()
        try:
            await self._put(model)
        except TunedropError as error:
            log.warning("the redeployment of %s could not be requested: %s", model, error)
        else:
            telemetry.measure("tunedrop.chat.wakes", model=model)

    async def add_at_once(self, model: str) -> None:
        """A person asks: no pause from an earlier failure holds it up, and none is counted."""
        await self.models.delete(f"{STATES}{model}")
        await self._put(model)

    async def _put(self, model: str) -> None:
        await self.models.put(f"{REQUESTS}{model}", b"", "text/plain")

    async def requested(self) -> list[str]:
        """The models whose champion is to be deployed again."""
        return [blob.name.removeprefix(REQUESTS) async for blob in self.models.list(REQUESTS)]

    async def state(self, model: str) -> Redeployment | None:
        """How the request goes; None where none was processed. What cannot be read is begun anew,
        for a model that does not answer must not wait for a mended record. Raises Newer."""
        try:
            found = await self.models.record(f"{STATES}{model}", Redeployment)
        except Newer:
            raise
        except Unreadable as error:
            log.error("%s It is begun anew.", error)
            return None
        return found[0] if found else None

    async def keep(self, state: Redeployment) -> None:
        await self.models.put(f"{STATES}{state.model}", as_json(state), "application/json")

    async def done(self, model: str) -> None:
        """The state first: a request without one is only processed again."""
        await self.models.delete(f"{STATES}{model}")
        await self.models.delete(f"{REQUESTS}{model}")

    async def told(self, model: str) -> str:
        """What is in the way of the model's deployment, for whoever chats with it; empty where
        nothing is, or nothing is known. Never raises for storage."""
        try:
            state = await self.state(model)
        except TunedropError:
            return ""
        return state.told if state else ""
