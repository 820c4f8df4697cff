"""A version whose deployment is gone: a chat leaves a request, and what has become of it is kept.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
the blob `wake/<model>` in the models container for the champion, `wake/<model>@<n>` for another
version, with the moment of the first that asked; `redeploy/…` beside it says how often the
deployment was asked for and what is in the way. However many ask, on however many instances: it is
one request. Knows who asks and what is told, not how a deployment is made.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared import telemetry
from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Moment, as_json
from shared.errors import Conflict, Newer, TunedropError, Unreadable
from shared.model import waking
from shared.model.registry import Model, Version

log = logging.getLogger(__name__)

REQUESTS = "wake/"
STATES = "redeploy/"  # no model's record is called so: those end in .json
MIN_INTERVAL_SECONDS = 30.0  # between two requests for one model: one is as good as a thousand
BY_ORDER = b" by order"  # in the request of a person, who may ask for any version


class Redeployment(Document):
    """What has become of the request that is called `model`. `tries` are when a deployment was
    asked for; `misses` counts what went wrong in a row; `problem` and `fix` are for people.
    `denied`: a chat has asked, and the app's own ceiling leaves no room for it."""

    model: str
    version: Count
    tries: tuple[Moment, ...] = ()
    misses: Count = 0
    not_before: Moment | None = None
    problem: str = ""
    fix: str = ""
    denied: bool = False

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
    nothing is in the way; `seconds`: in how many an answer can be expected. `denied`: why it will
    not come, in a sentence; empty where it will."""

    stands: bool
    told: str = ""
    seconds: float = waking.USUAL.total_seconds()
    denied: str = ""


def request_for(model: Model, number: int) -> str | None:
    """The request that makes a version's deployment again. None for a version that the app does
    not keep: each deployment costs by the hour, and no caller should decide to pay for all."""
    if number == model.champion:
        return model.name
    kept = number in (model.previous, model.candidate) and not model.version(number).withdrawn
    return f"{model.name}@{number}" if kept else None


def requested_version(request: str, model: Model, *, ordered: bool = False) -> Version | None:
    """The version of a request, if the app keeps it still, or a person has ordered it."""
    _, other, number = request.partition("@")
    wanted = number if other else str(model.champion)
    found = next((known for known in model.versions if str(known.version) == wanted), None)
    if found is None or found.withdrawn:
        return None
    return found if ordered or request_for(model, found.version) else None


class RedeployRequests:
    def __init__(
        self, models: Container, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.models, self.now = models, now
        self._added: dict[str, tuple[float, Asked]] = {}  # when, and what was told then

    async def add(self, request: str) -> Asked:
        """Add a request, and what has become of it so far. Never raises for storage."""
        at, asked = self._added.get(request, (-MIN_INTERVAL_SECONDS, Asked(True)))
        passed = time.monotonic() - at
        if passed < MIN_INTERVAL_SECONDS:
            return replace(asked, seconds=waking.seconds_left(asked.seconds, passed))
        self._added[request] = (time.monotonic(), asked)
        if not await self._request(request):
            self._added.pop(request, None)
            return Asked(False)
        known = await self._known(request)
        seconds = await self._seconds_left(request, known)
        told = known.told_to_callers if known else ""
        asked = Asked(True, told, seconds, known.problem if known and known.denied else "")
        self._added[request] = (time.monotonic(), asked)
        return asked

    async def _request(self, request: str) -> bool:
        try:
            await self._create(request)
        except TunedropError as error:
            log.warning("the redeployment of %s could not be requested: %s", request, error)
            return False
        telemetry.measure("tunedrop.chat.wakes", model=request.partition("@")[0])
        return True

    async def _create(self, request: str) -> None:
        with suppress(Conflict):  # somebody has asked before
            content = self.now().isoformat().encode()
            await self.models.create(f"{REQUESTS}{request}", content, "text/plain")

    async def _seconds_left(self, request: str, state: Redeployment | None) -> float:
        usual, since = await waking.usual_seconds(self.models), None
        with suppress(TunedropError):
            since = await self.asked_at(request)
        waited = (self.now() - since).total_seconds() if since else 0.0
        rests = state.not_before - self.now() if state and state.not_before else timedelta(0)
        return max(waking.seconds_left(usual, waited), rests.total_seconds())

    async def add_at_once(self, request: str) -> None:
        """A person asks: no pause from an earlier failure holds it up, and none is counted."""
        await self.models.delete(f"{STATES}{request}")
        content = self.now().isoformat().encode() + BY_ORDER
        await self.models.put(f"{REQUESTS}{request}", content, "text/plain")

    async def asked_at(self, request: str) -> datetime | None:
        """When somebody first asked; None where that is not known."""
        content = await self._content(request)
        try:
            at = datetime.fromisoformat(content.removesuffix(BY_ORDER).decode())
        except ValueError:
            return None
        return at if at.tzinfo else None

    async def is_ordered(self, request: str) -> bool:
        return (await self._content(request)).endswith(BY_ORDER)

    async def _content(self, request: str) -> bytes:
        found = await self.models.read(f"{REQUESTS}{request}")
        return found.data if found else b""

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

    async def deny(self, state: Redeployment) -> None:
        """The request is taken away: the next chat asks anew, and is told why nothing came."""
        await self.keep(state)
        await self.models.delete(f"{REQUESTS}{state.model}")

    async def _known(self, request: str) -> Redeployment | None:
        """Never raises for storage."""
        with suppress(TunedropError):
            return await self.state(request)
        return None
