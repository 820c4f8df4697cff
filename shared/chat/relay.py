"""From a chat request to the answer of the right deployment, byte for byte as it comes.

Decides what is tried, again or elsewhere, until the first byte; after it there is no way back,
and a stream that breaks ends with an honest error. A caller never chooses a host or a path.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from shared import telemetry
from shared.chat.access import Access, Caller
from shared.chat.circuit import Circuits
from shared.chat.directory import Directory, Target
from shared.chat.memory import MOST_BYTES as LONGEST_KEPT
from shared.chat.memory import Memory, read_rating, shares
from shared.chat.wire import (
    DONE,
    KEEP_ALIVE,
    MOST_BYTES,
    Chat,
    error_event,
    error_response,
    read_chat,
    tokens_used,
)
from shared.cloud import Cloud
from shared.cloud.completions import Reply
from shared.cloud.throttling import retry_after
from shared.errors import NotFound, Refused, TunedropError, Unavailable
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Registry

log = logging.getLogger(__name__)

TRIES = 2  # of each deployment
LONGEST_PAUSE = 5.0  # seconds of a Retry-After that are waited for; a longer one is passed on
PAUSE = 0.25  # before the second try of a deployment that gave no Retry-After, with jitter
KEEP_ALIVE_SECONDS = 15.0  # of silence in a stream; Azure's front end cuts it after 230
TAIL = 2048  # bytes of an answer in which its usage is looked for
GONE = 499  # nginx's "client closed request": nobody is there to read it
PASSED_ON = ("content-type", "retry-after", "retry-after-ms", "apim-request-id")


class Answer:
    """What came back, from whom, and the seconds that were spent waiting for it."""

    def __init__(self, reply: Reply, body: bytes | None, target: Target, waited: float) -> None:
        self.reply, self.body, self.target, self.waited = reply, body, target, waited


class Relay:
    def __init__(self, cloud: Cloud) -> None:
        settings = cloud.settings
        registry = Registry(cloud.models)
        self.cloud = cloud
        self.deadline: float = settings.chat_deadline_seconds
        self.access = Access(settings.app_keys, settings.entra_tenant)
        self.directory = Directory(registry, settings.base_deployments, settings.chat_fallback)
        self.circuits = Circuits()
        self.redeploy_requests = RedeployRequests(cloud.models)
        self.memory = Memory(cloud.feedback, shares(settings.remember))

    @telemetry.answers
    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions, or Azure OpenAI's path with the model in it."""
        began = time.perf_counter()
        request_id = request.headers.get("x-request-id", "")[:128] or f"req-{uuid4().hex}"
        try:
            caller = self.access.admit(request.headers)
            chat = read_chat(await _body(request), request.path_params.get("model"))
            targets = await self.directory.targets(chat.model, caller)
            answer = await _unless_gone(request, self._answer(chat, targets))
        except TunedropError as error:
            log.info("chat %s: %s", request_id, type(error).__name__)
            return error_response(error, request_id)
        if answer is None:
            return Response(status_code=GONE)
        added = time.perf_counter() - began - answer.waited
        headers = _headers(answer, targets[0], request_id, added)
        remembered = self.memory.wants(answer.target.model)
        if answer.body is not None:
            self.access.charge(caller, tokens_used(answer.body[-TAIL:], 0))
            if remembered:
                self.memory.keep_later(answer.target.served_by, chat, answer.body)
            return Response(answer.body, answer.reply.status, headers)
        kept = bytearray() if remembered else None
        stream = self._stream(answer, chat, caller, kept)
        return StreamingResponse(stream, answer.reply.status, headers)

    async def rate(self, request: Request) -> Response:
        """POST /feedback: what somebody thinks of an answer, by its id."""
        try:
            caller = self.access.admit(request.headers)
            rating = read_rating(await _body(request))
            model = await self.memory.where(rating.id)
            if not caller.may_use(model):
                raise NotFound(f"No answer {rating.id!r} is remembered.", "Check the id.")
            await self.memory.rate(rating, model, caller.name)
        except TunedropError as error:
            return error_response(error, "")
        return JSONResponse({"id": rating.id, "model": model, "rating": rating.rating}, 201)

    async def models(self, request: Request) -> Response:
        """GET /v1/models: what this caller may put into `model`."""
        try:
            names = await self.directory.names(self.access.admit(request.headers))
        except TunedropError as error:
            return error_response(error, "")
        data = [{"id": n, "object": "model", "created": 0, "owned_by": "tunedrop"} for n in names]
        return JSONResponse({"object": "list", "data": data})

    async def _answer(self, chat: Chat, targets: list[Target]) -> Answer:
        """The first answer that a target gives. Raises the last problem if none does."""
        until = time.monotonic() + self.deadline
        problem: TunedropError = Unavailable("No deployment could be asked.", "Try again.")
        for target in targets:
            for _ in range(TRIES):
                rest = self.circuits.rests(target.served_by)
                if rest:
                    problem = Unavailable(
                        f"{target.served_by} has failed repeatedly and is left alone for a moment.",
                        "Try again.",
                        retry_after=rest,
                    )
                    break
                found = await self._try(chat, target, until)
                if isinstance(found, Answer):
                    return found
                problem, pause = found
                if pause is None or time.monotonic() + pause >= until:
                    break
                await asyncio.sleep(pause)
        raise problem

    async def _try(
        self, chat: Chat, target: Target, until: float
    ) -> "Answer | tuple[TunedropError, float | None]":
        """An answer to pass on, or a problem and the pause after which to try again, if ever."""
        self.circuits.began(target.served_by)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                body = chat.to(target.deployment)
                reply = await self.cloud.completions.send(body, target.endpoint)
                whole = None if reply.streams else await _read_whole(reply)
        except TimeoutError:
            self.circuits.failed(target.served_by)
            late = f"{target.served_by} did not answer within {self.deadline:g} s."
            return Unavailable(late, "Try again, or ask for less."), None
        except Unavailable as error:
            self.circuits.failed(target.served_by)
            return error, _jittered()
        problem = await self._problem(reply, target)
        if problem:
            return problem
        self.circuits.worked(target.served_by)
        return Answer(reply, whole, target, time.perf_counter() - began)

    async def _problem(
        self, reply: Reply, target: Target
    ) -> tuple[TunedropError, float | None] | None:
        """What is wrong with an answer that should not be passed on as it is."""
        status, who = reply.status, target.served_by
        if status == 429:
            after = retry_after(reply.headers)
            throttled = Unavailable(
                f"{who} is throttled.", "Try again.", code="429", retry_after=after
            )
            short = after is not None and after <= LONGEST_PAUSE
            return throttled, _jittered(after) if short or after is None else None
        if status in (404, 410, 423):
            if target.model:
                await self.redeploy_requests.add(target.model)
            asleep = f"{who} has no deployment that answers; it has been asked for again."
            code = "model_not_ready"
            return Unavailable(asleep, "Try again.", code=code, retry_after=60), None
        if status in (401, 403):
            return Refused("The app itself was refused.", "Its identity lacks a role."), None
        if status >= 500 or status == 408:
            self.circuits.failed(target.served_by)
            broken = Unavailable(f"{who} answered {status}.", "Try again.")
            return broken, _jittered(retry_after(reply.headers))
        return None

    async def _stream(
        self, answer: Answer, chat: Chat, caller: Caller, kept: bytearray | None
    ) -> AsyncIterator[bytes]:
        """The bytes as they come; comments while nothing comes; an error event if it is cut."""
        reply, tail, events = answer.reply, b"\n\n", 0
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        chunk = await reply.read()
                except TimeoutError:
                    if tail.endswith(b"\n\n"):  # only between events, never within one
                        yield KEEP_ALIVE
                    continue
                if not chunk:
                    break
                yield chunk
                events += chunk.count(b"data:")
                tail = (tail + chunk)[-TAIL:]
                if kept is not None and len(kept) < LONGEST_KEPT:
                    kept += chunk
            if DONE not in tail and reply.status < 400:
                yield error_event(Unavailable("The answer was cut off.", "Ask again."))
            elif kept:
                self.memory.keep_later(answer.target.served_by, chat, bytes(kept))
        except Unavailable as error:
            yield error_event(error)
        finally:
            reply.close()
            self.access.charge(caller, tokens_used(tail, events))


async def _read_whole(reply: Reply) -> bytes:
    try:
        return await reply.all()
    finally:
        reply.close()


async def _body(request: Request) -> bytes:
    """At most one byte more than is taken: `read_chat` refuses the rest unread."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return bytes(body)


async def _unless_gone(request: Request, answering: Coroutine[Any, Any, Answer]) -> Answer | None:
    """The answer, or None if the caller has hung up first, which also ends the call upstream."""
    answer = asyncio.ensure_future(answering)
    hung_up = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        return await answer if answer.done() else None
    finally:
        for task in (answer, hung_up):
            if not task.done():
                task.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _headers(answer: Answer, wanted: Target, request_id: str, added: float) -> dict[str, str]:
    found = answer.reply.headers
    headers = {name: found[name] for name in PASSED_ON if name in found}
    headers["x-request-id"] = request_id
    headers["x-tunedrop-model"] = answer.target.served_by
    headers["x-tunedrop-added-ms"] = f"{added * 1000:.1f}"
    if answer.target != wanted:
        headers["x-tunedrop-fallback-for"] = wanted.served_by
    return headers


def _jittered(seconds: float | None = None) -> float:
    """A pause that many callers do not share: at least what was asked for, up to a half more."""
    return (PAUSE if seconds is None else seconds) * random.uniform(1.0, 1.5)
