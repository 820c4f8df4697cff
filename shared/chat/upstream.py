"""Asks backends for an answer, one after the other, until one begins to give it.

Decides what is tried again and what elsewhere, until the first byte; after it there is no way back.
Knows nothing of callers and keys.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from shared.chat.bodies import in_thread_if_large
from shared.chat.circuit_breaker import CircuitBreaker
from shared.chat.protocol import ChatRequest, ModelNotReady, OutOfTime
from shared.chat.routing import Backend
from shared.cloud.completions import Completions, Reply
from shared.cloud.throttling import retry_after
from shared.errors import Denied, Throttled, TunedropError, Unavailable
from shared.model.redeploy import RedeployRequests

MAX_ATTEMPTS_PER_BACKEND = 2
RETRY_PAUSE_SECONDS = 0.25  # where the backend gave no Retry-After; both with jitter
MAX_RETRY_AFTER_SECONDS = 5.0  # a longer one is not waited for


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None for a stream; `waited` is the seconds that `backend` took to begin."""

    reply: Reply
    body: bytes | None
    backend: Backend
    waited: float


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without an answer. `retry_in` is the pause in seconds before the same backend may
    be tried again; None if that would not help."""

    error: TunedropError
    retry_in: float | None = None


@dataclass(slots=True)
class Upstream:
    completions: Completions
    redeploy_requests: RedeployRequests
    deadline_seconds: float
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    breakers: defaultdict[str, CircuitBreaker] = field(
        default_factory=lambda: defaultdict(CircuitBreaker)
    )

    async def answer(self, chat: ChatRequest, backends: list[Backend]) -> Answer:
        """The first answer that a backend gives. Raises the last problem if none does."""
        deadline = time.monotonic() + self.deadline_seconds
        problem: TunedropError = Unavailable("No deployment could be asked.", "Try again.")
        for backend in backends:
            outcome = await self._ask(chat, backend, deadline)
            if isinstance(outcome, Answer):
                return outcome
            problem = outcome.error
            if time.monotonic() >= deadline:
                break  # the others have not failed: there is no time left to ask them
        raise problem

    async def _ask(self, chat: ChatRequest, backend: Backend, deadline: float) -> Answer | Failure:
        outcome = await self._attempt(chat, backend, deadline)
        for _ in range(MAX_ATTEMPTS_PER_BACKEND - 1):
            if isinstance(outcome, Answer) or outcome.retry_in is None:
                return outcome
            if time.monotonic() + outcome.retry_in >= deadline:
                return outcome
            await self.sleep(outcome.retry_in)
            outcome = await self._attempt(chat, backend, deadline)
        return outcome

    async def _attempt(
        self, chat: ChatRequest, backend: Backend, deadline: float
    ) -> Answer | Failure:
        breaker = self.breakers[backend.name]
        if wait := breaker.retry_in():
            message = f"{backend.name} has failed repeatedly and is left alone for a moment."
            return Failure(Unavailable(message, "Try again.", retry_after=wait))
        breaker.record_attempt()
        began = time.perf_counter()
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                reply, body = await self._send(chat, backend)
        except TimeoutError:
            breaker.record_failure()
            message = f"{backend.name} did not answer within {self.deadline_seconds:g} s."
            return Failure(OutOfTime(message, "Try again, or ask for less."))
        except Unavailable as error:
            breaker.record_failure()
            return Failure(error, _with_jitter(RETRY_PAUSE_SECONDS))
        waited = time.perf_counter() - began
        failure = _failure(reply, backend)
        if failure is None:
            breaker.record_success()
            return Answer(reply, body, backend, waited)
        reply.close()
        return await self._note(failure, backend)

    async def _send(self, chat: ChatRequest, backend: Backend) -> tuple[Reply, bytes | None]:
        """What came back. A stream's usage is asked for in the caller's place: where it is that
        which a service does not take (an older one, or one that searches data), without it."""
        reply, answer = await self._post(chat, backend, usage=True)
        ours = chat.streams and not chat.asks_usage
        if ours and reply.status in (400, 422) and answer and b"stream_options" in answer:
            reply, answer = await self._post(chat, backend, usage=False)
        return reply, answer

    async def _post(
        self, chat: ChatRequest, backend: Backend, *, usage: bool
    ) -> tuple[Reply, bytes | None]:
        """What came back, with its whole body unless it is a stream."""
        write = partial(chat.body_for, backend.deployment, usage=usage)
        body = await in_thread_if_large(chat.size, write)
        reply = await self.completions.send(body, backend.endpoint)
        if reply.streams:
            return reply, None
        try:
            return reply, await reply.all()
        finally:
            reply.close()

    async def _note(self, failure: Failure, backend: Backend) -> Failure:
        """Only a backend that is broken opens its breaker; one that is gone is requested again, and
        the caller is told where earlier tries have failed."""
        match failure.error:
            case ModelNotReady():
                if backend.model and (told := await self.redeploy_requests.add(backend.model)):
                    message = f"{backend.name} has no deployment that answers."
                    return Failure(ModelNotReady(message, told, retry_after=60))
            case Throttled() | Denied():
                pass
            case _:
                self.breakers[backend.name].record_failure()
        return failure


def _failure(reply: Reply, backend: Backend) -> Failure | None:
    """What is wrong with a reply that should not be passed on as it is."""
    status, name = reply.status, backend.name
    if status == 429:
        after = retry_after(reply.headers)
        throttled = Throttled(f"{name} is throttled.", "Try again.", retry_after=after)
        return Failure(throttled, _retry_in(reply.headers))
    if status in (404, 410, 423):
        message = f"{name} has no deployment that answers; it has been asked for again."
        return Failure(ModelNotReady(message, "Try again.", retry_after=60))
    if status in (401, 403):
        return Failure(Denied("The app itself was refused.", "Its identity lacks a role."))
    if status >= 500 or status == 408:
        broken = Unavailable(f"{name} answered {status}.", "Try again.")
        return Failure(broken, _retry_in(reply.headers))
    return None


def _retry_in(headers: Mapping[str, str]) -> float | None:
    after = retry_after(headers)
    if after is None:
        return _with_jitter(RETRY_PAUSE_SECONDS)
    return _with_jitter(after) if after <= MAX_RETRY_AFTER_SECONDS else None


def _with_jitter(seconds: float) -> float:
    """A pause that many callers do not share: at least what was asked for, up to a half more."""
    return seconds * random.uniform(1.0, 1.5)
