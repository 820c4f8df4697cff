"""Completions in both URL families: a text goes on, with no conversation around it.

The API that came before chat; in Azure one model has it, and no chat model does. Knows no torch.
"""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..control_plane.catalog import COMPLETION
from ..core.context import Component, Context
from ..core.protocol import new_id
from .completion_answer import CompletionAnswer
from .completion_request import parse
from .inference import Inference, body_of


class Completions(Component):
    def __init__(self, context: Context, inference: Inference) -> None:
        super().__init__(context)
        self._inference = inference

    def v1_routes(self) -> list[Route]:
        return [Route("/completions", self.create_v1, methods=["POST"])]

    def dated_routes(self) -> list[Route]:
        return [Route("/deployments/{name}/completions", self.create_dated, methods=["POST"])]

    async def create_v1(self, request: Request) -> Response:
        body = await body_of(request)
        return await self._create(request, str(body.get("model")), body)

    async def create_dated(self, request: Request) -> Response:
        return await self._create(request, request.path_params["name"], await body_of(request))

    async def _create(self, request: Request, deployment: str, body: dict[str, Any]) -> Response:
        inference, language = self._inference, self._inference.language
        admitted = inference.admit(deployment, COMPLETION)
        asked = parse(body)
        prompts = [await language.text_tokens(text) for text in asked.prompts]
        longest = max(map(len, prompts))
        asked = replace(asked, sampling=inference.room(longest, asked.sampling, limited=True))
        queue, headers = await inference.ask(admitted, prompts, asked.sampling, asked.each)
        inference.note("completion", admitted)
        head = {
            "id": new_id("cmpl"),
            "object": "text_completion",
            "created": self._clock.seconds(),
            "model": admitted.model.name,
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": language.fingerprint,
        }
        answer = CompletionAnswer(head, asked, sum(map(len, prompts)), queue)
        return await inference.respond(request, admitted, answer, headers, stream=asked.stream)
