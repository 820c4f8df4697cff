"""From a chat request to the answer of the right backend, byte for byte as it comes.

Brings the parts together: who may chat (`auth`), which backends may answer (`routing`), who of them
does (`upstream`), the way back (`streaming`), what is recorded (`feedback`). A stream that breaks
ends with an error event. A caller never chooses a host or a path.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import telemetry
from shared.chat import cost
from shared.chat.answered import count, headers
from shared.chat.apis import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, Api
from shared.chat.auth import Auth
from shared.chat.bodies import Bodies, Held, in_thread_if_large
from shared.chat.callers import Caller
from shared.chat.effects import parse_allowed, refuse_effects, sets
from shared.chat.feedback import (
    MAX_ANSWER_BYTES,
    MAX_RATING_BYTES,
    FeedbackStore,
    parse_rating,
    sampling_rates,
)
from shared.chat.key_store import KeyStore
from shared.chat.key_usage import KeyUsage
from shared.chat.leaving import unless_caller_left
from shared.chat.limits import Reservation
from shared.chat.listing import Offered, as_deployment, as_list, as_model
from shared.chat.origins import Origins
from shared.chat.pictures import MAX_BODY_BYTES
from shared.chat.plain import is_plain, plain
from shared.chat.protocol import (
    CLIENT_CLOSED_REQUEST,
    ChatRequest,
    RateLimitExceeded,
    code_of,
    error_response,
    parse_chat,
    read_body,
)
from shared.chat.refusals import Refusals
from shared.chat.request_ids import request_id
from shared.chat.routing import Backend, Router
from shared.chat.streaming import RelayedResponse, RelayedStream, RelayedStreamResponse
from shared.chat.trace_log import Traced, TraceLog, id_of
from shared.chat.unanswered import OutOfTime
from shared.chat.upstream import Answer, Upstream
from shared.chat.usage_days import UsageDays
from shared.cloud import AzureClients
from shared.errors import NotFound, TunedropError
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Registry
from shared.model.usage import LastUses

Form = Callable[[Offered], dict[str, Any]]


class Relay:
    def __init__(self, cloud: AzureClients) -> None:
        settings = cloud.settings
        self.keys, self.key_usage = KeyStore(cloud.models), KeyUsage(cloud.models)
        self.usage_days = UsageDays(cloud.models)
        who = settings.app_keys, settings.entra_tenant
        self.origins = Origins(settings.allowed_origins)
        self.auth = Auth(*who, store=self.keys, usage=self.key_usage, origins=self.origins)
        self.router = Router(
            Registry(cloud.models), settings.base_deployments, settings.chat_fallback
        )
        self.upstream = Upstream(
            cloud.completions, RedeployRequests(cloud.models), settings.chat_deadline_seconds
        )
        self.uses = LastUses(cloud.models)
        self.feedback = FeedbackStore(cloud.feedback, sampling_rates(settings.remember))
        self.trace_log = TraceLog(cloud.feedback)
        self.allowed_effects = parse_allowed(settings.chat_allow)
        self.refusals = Refusals()
        self.bodies = Bodies()
        self.plain_streams = settings.plain_streams

    @telemetry.count_answers
    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions, or Azure OpenAI's path with the model in it."""
        return await self._held(request, CHAT)

    @telemetry.count_answers
    async def respond(self, request: Request) -> Response:
        """POST /v1/responses: the same conversations in OpenAI's newer form."""
        return await self._held(request, RESPONSES)

    @telemetry.count_answers
    async def complete_text(self, request: Request) -> Response:
        """POST /v1/completions, of base deployments."""
        return await self._held(request, COMPLETIONS)

    @telemetry.count_answers
    async def embed(self, request: Request) -> Response:
        """POST /v1/embeddings, of base deployments."""
        return await self._held(request, EMBEDDINGS)

    async def _held(self, request: Request, api: Api) -> Response:
        with self.bodies.hold() as held:
            return await self._complete(request, held, api)

    async def _complete(self, request: Request, held: Held, api: Api) -> Response:
        began = time.perf_counter()
        called, caller = request_id(request), None
        try:
            caller = await self.auth.admit(request.headers)
            held.caller = caller.name
            chat = await self._read_chat(request, held, api)
            backends = await self.router.backends(chat.model, caller, api)
            tokens = chat.prompt_tokens + chat.answer_tokens
            reservation = self.auth.reserve(caller, tokens, chat.model)
            answer = await self._answer(request, chat, backends, reservation)
        except TunedropError as error:
            return self._refusal(error, caller, called)
        if answer is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        seconds = time.perf_counter() - began
        count(answer.backend, backends[0], seconds, seconds - answer.waited)
        told = headers(answer, backends[0], called, seconds - answer.waited)
        self._note_use(answer.backend)
        trace = partial(self.trace_log.add, self._traced(answer, backends[0], called))
        return self._response(answer, chat, reservation, told, held, trace)

    def _note_use(self, backend: Backend) -> None:
        """What is used stays deployed."""
        if backend.version is not None:
            self.uses.note(backend.name)

    async def rate(self, request: Request) -> Response:
        """POST /feedback: what somebody thinks of an answer, by its id."""
        with self.bodies.hold() as held:
            return await self._rate(request, held)

    async def _rate(self, request: Request, held: Held) -> Response:
        called, caller = request_id(request), None
        try:
            caller = await self.auth.admit(request.headers)
            held.caller = caller.name
            body = await read_body(request, MAX_RATING_BYTES, held.grow)
            rating = await in_thread_if_large(len(body), parse_rating, body)
            model = await self.feedback.model_of(rating.id)
            if not caller.may_use(model):
                raise NotFound(f"No answer {rating.id!r} is remembered.", "Check the id.")
            await self.feedback.rate(rating, model, caller.name)
        except TunedropError as error:
            return self._refusal(error, caller, called)
        told = {"id": rating.id, "model": model, "rating": rating.rating}
        return JSONResponse(told, 201, {"x-request-id": called})

    async def models(self, request: Request) -> Response:
        """GET /v1/models: what this caller may put into `model`."""
        return await self._listed(request, as_model)

    async def deployments(self, request: Request) -> Response:
        """GET /openai/deployments: the same, as Azure OpenAI's older clients ask for it."""
        return await self._listed(request, as_deployment)

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{model}: one of them, or one of its versions."""
        return await self._listed(request, as_model, request.path_params["model"])

    async def deployment(self, request: Request) -> Response:
        return await self._listed(request, as_deployment, request.path_params["model"])

    async def _listed(self, request: Request, form: Form, name: str | None = None) -> Response:
        """Everything that the caller may use, or the one with this name."""
        called, caller = request_id(request), None
        try:
            caller = await self.auth.admit(request.headers)
            if name is None:
                found = as_list([form(one) for one in await self.router.offered(caller)])
            else:
                found = form(await self.router.one(name, caller))
        except TunedropError as error:
            return self._refusal(error, caller, called)
        return JSONResponse(found, headers={"x-request-id": called})

    async def _read_chat(self, request: Request, held: Held, api: Api) -> ChatRequest:
        body = await read_body(request, MAX_BODY_BYTES, held.grow)
        refuse = partial(refuse_effects, allowed=self.allowed_effects, api=api)
        model, fixed = request.path_params.get("model"), sets(api, self.allowed_effects)
        return await in_thread_if_large(len(body), parse_chat, body, model, refuse, api, fixed)

    async def _answer(
        self,
        request: Request,
        chat: ChatRequest,
        backends: list[Backend],
        reservation: Reservation,
    ) -> Answer | None:
        """The answer, or None if the caller left before it. Where there is none, what a backend
        may have made of it is charged, and nothing if all have refused it."""
        abandon = partial(reservation.abandon, prompt=chat.prompt_tokens, answers=chat.answers)
        try:
            answer = await unless_caller_left(request, self.upstream.answer(chat, backends))
        except TunedropError as error:
            abandon(0) if isinstance(error, OutOfTime) else reservation.settle(0)
            raise
        except BaseException:  # the host ends the request
            abandon(0)
            raise
        if answer is None:
            abandon(0)
        return answer

    def _refusal(self, error: TunedropError, caller: Caller | None, request_id: str) -> Response:
        name = error.caller if isinstance(error, RateLimitExceeded) else self.auth.name_of(caller)
        self.refusals.add(code_of(error), name, request_id)
        return error_response(error, request_id)

    def _response(
        self,
        answer: Answer,
        chat: ChatRequest,
        reservation: Reservation,
        headers: dict[str, str],
        held: Held,
        trace: Callable[[str], None],
    ) -> Response:
        """The answer for the caller; a conversation is recorded after it has been sent, and its
        request is held until then."""
        answered = answer.reply.status < 300
        sampled = answered and self.feedback.samples(answer.backend.model, chat.size)
        name = answer.backend.name
        kept = held.pass_on() if sampled else self.bodies.hold()
        if answer.body is None:
            stream = RelayedStream(
                answer.reply,
                reservation.settle,
                partial(reservation.abandon, prompt=chat.prompt_tokens, answers=chat.answers),
                chat.prompt_tokens,
                hides_account=not chat.asks_usage,
                form=self._form(chat),
                trace=trace,
                copy=bytearray() if sampled else None,
                max_copy_bytes=MAX_ANSWER_BYTES,
                api=chat.api,
            )
            task = BackgroundTask(self._record_stream, name, chat, stream) if sampled else None
            return RelayedStreamResponse(stream, headers, task, kept.release)
        trace(id_of(answer.body))
        estimate = chat.prompt_tokens + cost.of_text(len(answer.body))
        reservation.settle(chat.api.signs.counted(answer.body) or estimate)
        record = self.feedback.record
        task = BackgroundTask(record, name, chat, answer.body) if sampled else None
        return RelayedResponse(answer.body, answer.reply.status, headers, task, kept.release)

    def _form(self, chat: ChatRequest) -> Callable[[bytes], bytes] | None:
        """Only of chats does Azure send what OpenAI does not."""
        wanted = chat.api is CHAT and is_plain(chat.model, self.plain_streams)
        return plain if wanted else None

    def _traced(self, answer: Answer, first_choice: Backend, request_id: str) -> Traced:
        backend = answer.backend
        return Traced(
            self.trace_log.time_of(request_id),
            request_id,
            backend.name,
            backend.deployment,
            backend.model,
            backend.version,
            answer.reply.status,
            "" if backend == first_choice else first_choice.name,
        )

    async def _record_stream(self, name: str, chat: ChatRequest, stream: RelayedStream) -> None:
        if stream.complete and stream.copy:
            await self.feedback.record(name, chat, bytes(stream.copy))
