"""Asks backends for an answer, one after the other, until one begins to give it.

Decides what is tried again and what elsewhere, and how long each may take, until the answer
begins; after that there is no way back. Knows nothing of callers and keys.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.chat import absent
from shared.chat.apis import Signs
from shared.chat.bodies import in_thread_if_large
from shared.chat.circuit_breaker import CircuitBreaker
from shared.chat.events import EventSplitter
from shared.chat.failures import (
    Failure,
    Received,
    Said,
    failure_of,
    for_caller,
    pause,
    told,
)
from shared.chat.protocol import ChatRequest
from shared.chat.routing import Backend
from shared.chat.unanswered import OutOfTime
from shared.cloud.completions import Completions, Reply
from shared.errors import Denied, NotSent, Unavailable
from shared.model.redeploy import Asked, RedeployRequests

MAX_ATTEMPTS_PER_BACKEND = 2
# Whoever is silent for a smaller part of the deadline than this had too little time to be blamed.
FAIR_SHARE = 0.2
# Of a stream whose headers have come. Then it is passed on, so that its caller is kept alive.
FIRST_EVENT_SECONDS = 15.0
MAX_HELD_BYTES = 64 * 2**10  # of a stream until its first event


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None for a stream; `waited` is the seconds that `backend` took to begin."""

    reply: Reply
    body: bytes | None
    backend: Backend
    waited: float


@dataclass(frozen=True, slots=True)
class Turn:
    """The time that one backend has: `seconds`, which end at `ends` of the monotonic clock.
    `last`: no other follows that may be asked."""

    ends: float
    seconds: float
    last: bool

    @property
    def left(self) -> float:
        return max(0.0, self.ends - time.monotonic())


@dataclass(slots=True)
class Upstream:
    completions: Completions
    redeploy_requests: RedeployRequests
    deadline_seconds: float
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    breakers: defaultdict[str, CircuitBreaker] = field(
        default_factory=lambda: defaultdict(CircuitBreaker)
    )

    async def answer(self, chat: ChatRequest, backends: Sequence[Backend]) -> Answer:
        """The first answer that a backend gives. Raises Unavailable if none does, with what each
        said that was asked."""
        deadline = time.monotonic() + self.deadline_seconds
        problems: list[Unavailable] = []
        for position, backend in enumerate(backends):
            turn = self._turn(deadline, backends[position + 1 :])
            outcome = await self._ask(chat, backend, turn)
            if isinstance(outcome, Answer):
                return outcome
            problems.append(outcome.error)
            if time.monotonic() >= deadline:
                break  # the others have not failed: there is no time left to ask them
        raise told(problems)

    def _turn(self, deadline: float, following: Sequence[Backend]) -> Turn:
        """Half of the time that is left, so that a silent backend leaves some to those after it;
        all of it for the last."""
        last = all(self.breakers[backend.name].retry_in() for backend in following)
        left = max(0.0, deadline - time.monotonic())
        seconds = left if last else left / 2
        return Turn(time.monotonic() + seconds, seconds, last)

    async def _ask(self, chat: ChatRequest, backend: Backend, turn: Turn) -> Answer | Failure:
        if backend.asleep:
            return Failure(absent.asleep(backend, await self._wake(backend)))
        outcome = await self._attempt(chat, backend, turn)
        for _ in range(MAX_ATTEMPTS_PER_BACKEND - 1):
            if isinstance(outcome, Answer) or outcome.retry_in is None:
                return outcome
            if outcome.retry_in >= turn.left:
                return outcome
            await self.sleep(outcome.retry_in)
            if not turn.left:
                return outcome
            outcome = await self._attempt(chat, backend, turn)
        return outcome

    async def _attempt(self, chat: ChatRequest, backend: Backend, turn: Turn) -> Answer | Failure:
        breaker = self.breakers[backend.name]
        if wait := breaker.retry_in():
            message = f"{backend.name} has failed repeatedly and is left alone for a moment."
            return Failure(Unavailable(message, "Try again.", retry_after=wait))
        breaker.record_attempt()
        outcome = await self._send_in_time(chat, backend, turn)
        if isinstance(outcome, Answer):
            breaker.record_success()
        elif outcome.blames:
            breaker.record_failure()
        return outcome

    async def _send_in_time(
        self, chat: ChatRequest, backend: Backend, turn: Turn
    ) -> Answer | Failure:
        began, seconds = time.perf_counter(), turn.left
        try:
            async with asyncio.timeout(seconds):
                received = await self._send(chat, backend, turn)
        except TimeoutError:
            message = f"{backend.name} did not answer within {turn.seconds:.3g} s."
            blames = seconds >= FAIR_SHARE * self.deadline_seconds
            return Failure(OutOfTime(message, "Try again, or ask for less."), blames=blames)
        except (Denied, NotSent) as error:  # it was not asked: nobody vouches for the app
            return Failure(error)
        except Unavailable as error:
            broken = Unavailable(f"{backend.name}: {error.message}", error.fix)
            return Failure(broken, pause(None), blames=True)
        waited = time.perf_counter() - began
        failure = failure_of(received, backend, await self._request_again(received, backend))
        if failure is None:
            return Answer(received.reply, for_caller(received), backend, waited)
        received.reply.close()
        return failure

    async def _request_again(self, received: Received, backend: Backend) -> Asked | None:
        """Ask for a deployment that is gone. None if it is not, or is not the app's to make."""
        if received.reply.status != 404 or backend.redeployed_as is None:
            return None
        if not Said.of(received, backend.name).lacks_deployment:
            return None
        return await self._wake(backend)

    async def _wake(self, backend: Backend) -> Asked | None:
        """None if its deployment is not made for a chat."""
        if backend.redeployed_as is None:
            return None
        return await self.redeploy_requests.add(backend.redeployed_as)

    async def _send(self, chat: ChatRequest, backend: Backend, turn: Turn) -> Received:
        """What came back. A stream's usage is asked for in the caller's place: where it is that
        which a service does not take (an older one, or one that searches data), without it."""
        received = await self._post(chat, backend, turn, usage=True)
        ours = chat.streams and not chat.asks_usage
        refused = received.reply.status in (400, 422) and b"stream_options" in (
            received.body or b""
        )
        if ours and refused:
            received = await self._post(chat, backend, turn, usage=False)
        return received

    async def _post(
        self, chat: ChatRequest, backend: Backend, turn: Turn, *, usage: bool
    ) -> Received:
        """What came back, with its whole body unless it is a stream; of that, what it begins with.
        The reply is open only if it is a stream."""
        write = partial(chat.body_for, backend.deployment, usage=usage)
        body = await in_thread_if_large(chat.size, write)
        reply = await self.completions.send(body, backend.endpoint, chat.api.path)
        try:
            if not reply.streams or reply.status >= 300:
                received = Received(reply, await reply.all(), api=chat.api)
                reply.close()
                return received
            patience = FIRST_EVENT_SECONDS if turn.last else None
            first = await _first_event(reply, patience, chat.api.signs)
            return Received(reply, first=first, api=chat.api)
        except BaseException:
            reply.close()
            raise


async def _first_event(reply: Reply, patience: float | None, signs: Signs) -> bytes | None:
    """The first event with something of an answer. None if the stream has ended without; empty
    if that takes more than `patience` seconds, or more bytes than are held. Nothing is lost of
    what was read for it."""
    held, events = bytearray(), EventSplitter()
    try:
        async with asyncio.timeout(patience):
            while chunk := await reply.read():
                held += chunk
                for event in events.feed(chunk):
                    if not signs.is_preamble(event):
                        return event
                if len(held) > MAX_HELD_BYTES:
                    return b""
    except TimeoutError:
        return b""
    finally:
        reply.put_back(bytes(held))
    rest = events.rest()
    return rest if signs.is_end(rest) or signs.error_in(rest) else None
