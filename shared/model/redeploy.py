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
        return " ".join(part for part in (self.problem, self.fix, self._next_try) if part)

    @property
    def told_to_callers(self) -> str:
        """The same for whoever chats: what the service says of the subscription is not theirs."""
        if not self.problem:
            return ""
        reason = "`tunedrop doctor` tells whoever runs this app the reason."
        return " ".join(
            part for part in (f"None could be made yet. {reason}", self._next_try) if part
        )

    @property
    def _next_try(self) -> str:
        if self.not_before is None:
            return ""
        return f"It is tried again at {self.not_before:%Y-%m-%d %H:%M} UTC."


class RedeployRequests:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._added: dict[str, tuple[float, str]] = {}  # when, and what was told then

    async def add(self, model: str) -> str:
        """Request a deployment for the model's champion; what its callers are told of earlier
        tries, empty where nothing is in the way. Never raises for storage."""
        at, told = self._added.get(model, (-MIN_INTERVAL_SECONDS, ""))
        if time.monotonic() - at < MIN_INTERVAL_SECONDS:
            return told
        self._added[model] = (time.monotonic(), told)
        await self._request(model)
        told = await self.told(model)
        self._added[model] = (time.monotonic(), told)
        return told

    async def _request(self, model: str) -> None:
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
        """What whoever chats with the model is told of its deployment; empty where nothing is in
        the way, or nothing is known. Never raises for storage."""
        try:
            state = await self.state(model)
        except TunedropError:
            return ""
        return state.told_to_callers if state else ""
