"""Chat completions in both URL families, whole or streamed. Knows no torch."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..control_plane.catalog import CHAT
from ..control_plane.model_registry import Servable
from ..core.context import Component, Context
from ..core.protocol import new_id
from ..language.calls import told
from .chat_answer import ChatAnswer
from .chat_request import parse
from .inference import Inference, body_of


class Chat(Component):
    def __init__(self, context: Context, inference: Inference) -> None:
        super().__init__(context)
        self._inference = inference

    def v1_routes(self) -> list[Route]:
        return [Route("/chat/completions", self.complete_v1, methods=["POST"])]

    def dated_routes(self) -> list[Route]:
        path = "/deployments/{name}/chat/completions"
        return [Route(path, self.complete_dated, methods=["POST"])]

    async def complete_v1(self, request: Request) -> Response:
        body = await body_of(request)
        return await self._complete(request, str(body.get("model")), body)

    async def complete_dated(self, request: Request) -> Response:
        body = await body_of(request)
        return await self._complete(request, request.path_params["name"], body)

    async def _complete(self, request: Request, deployment: str, body: dict[str, Any]) -> Response:
        inference = self._inference
        admitted = inference.admit(deployment, CHAT)
        chat = parse(body)
        prompt = await inference.language.prompt(told(chat.messages, chat.tools.told))
        sampling = inference.room(len(prompt), chat.sampling, chat.limited)
        offered, learned = self._settings.current.offered_tools, admitted.model.learned_calls
        calls = chat.tools.calls(chat.messages, offered, learned=learned)
        chat = replace(chat, sampling=replace(sampling, calls=calls))
        queue, headers = await inference.ask(admitted, [prompt], chat.sampling, chat.choices)
        inference.note("chat", admitted)
        asynchronous = self._settings.current.asynchronous_filter
        answer = ChatAnswer(self._head(admitted.model), chat, len(prompt), queue, asynchronous)
        return await inference.respond(request, admitted, answer, headers, stream=chat.stream)

    def _head(self, model: Servable) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl"),
            "created": self._clock.seconds(),
            "model": model.name,
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": self._inference.language.fingerprint,
        }
