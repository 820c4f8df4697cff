"""A version whose deployment is gone: a chat leaves a request, and what has become of it is kept.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
the blob `wake/<model>` in the models container for the champion, `wake/<model>@<n>` for another
version; `redeploy/…` beside it says how often the deployment was asked for and what is in the way.
Knows who asks and what is told, not how a
deployment is made.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from shared import telemetry
from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Moment, as_json
from shared.errors import Newer, TunedropError, Unreadable
from shared.model.registry import Model, Version

log = logging.getLogger(__name__)

REQUESTS = "wake/"
STATES = "redeploy/"  # no model's record is called so: those end in .json
MIN_INTERVAL_SECONDS = 30.0  # between two requests for one model: one is as good as a thousand


class Redeployment(Document):
    """What has become of the request that is called `model`. `tries` are when a deployment was
    asked for; `misses` counts what went wrong in a row; `problem` and `fix` are for people."""

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


@dataclass(frozen=True, slots=True)
class Asked:
    """`stands`: there is a request. `told` is what callers are told of earlier tries, empty where
    nothing is in the way."""

    stands: bool
    told: str = ""


def request_for(model: Model, number: int) -> str | None:
    """The request that makes a version's deployment again. None for a version that the app does
    not keep: each deployment costs by the hour, and no caller should decide to pay for all."""
    if number == model.champion:
        return model.name
    kept = number in (model.previous, model.candidate) and not model.version(number).withdrawn
    return f"{model.name}@{number}" if kept else None


def requested_version(request: str, model: Model) -> Version | None:
    """The version of a request, if the app keeps it still."""
    _, other, number = request.partition("@")
    kept = (v for v in model.versions if request_for(model, v.version) is not None)
    wanted = number if other else str(model.champion)
    return next((version for version in kept if str(version.version) == wanted), None)


class RedeployRequests:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._added: dict[str, tuple[float, str]] = {}  # when, and what was told then

    async def add(self, request: str) -> Asked:
        """Add a request, and what has become of it so far. Never raises for storage."""
        at, told = self._added.get(request, (-MIN_INTERVAL_SECONDS, ""))
        if time.monotonic() - at < MIN_INTERVAL_SECONDS:
            return Asked(True, told)
        self._added[request] = (time.monotonic(), told)
        if not await self._request(request):
            self._added.pop(request, None)
            return Asked(False)
        told = await self.told(request)
        self._added[request] = (time.monotonic(), told)
        return Asked(True, told)

    async def _request(self, request: str) -> bool:
        try:
            await self._put(request)
        except TunedropError as error:
            log.warning("the redeployment of %s could not be requested: %s", request, error)
            return False
        telemetry.measure("tunedrop.chat.wakes", model=request.partition("@")[0])
        return True

    async def add_at_once(self, model: str) -> None:
        """A person asks: no pause from an earlier failure holds it up, and none is counted."""
        await self.models.delete(f"{STATES}{model}")
        await self._put(model)

    async def _put(self, model: str) -> None:
        await self.models.put(f"{REQUESTS}{model}", b"", "text/plain")

    async def requested(self) -> list[str]:
        """The requests: of models, or of one version each."""
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
