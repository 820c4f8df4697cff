"""The Responses API in both URL families: asking, and what was stored of it. Knows no torch."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..control_plane.catalog import RESPONSES
from ..core.context import Component, Context
from ..core.errors import InferenceError
from ..core.protocol import new_item_id, page
from ..core.store import Document
from ..language.calls import told
from ..language.dataset import Message
from ..language.generation import SamplingOptions
from .inference import Inference, body_of
from .response_answer import ResponseAnswer
from .response_items import Item, items_of, messages_of
from .response_request import ResponseRequest, parse

KEPT_SECONDS = 30 * 24 * 3600  # S-DOC responses
PAGE, LONGEST_PAGE = 20, 100  # S-OAI


class Responses(Component):
    def __init__(self, context: Context, inference: Inference) -> None:
        super().__init__(context)
        self._inference = inference

    def routes(self) -> list[Route]:
        one = "/responses/{id}"
        return [
            Route("/responses", self.create, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/input_items", self.input_items, methods=["GET"]),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
        ]

    # ---- endpoints ---------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        """The deployment is named by `model` in both families."""
        body = await body_of(request)
        inference = self._inference
        admitted = inference.admit(str(body.get("model")), RESPONSES)
        asked = parse(body)
        before = self._before(asked.previous)
        given = items_of(asked.input, self._item)
        messages = _messages(asked, before + given)
        prompt = await inference.language.prompt(told(messages, asked.tools.told))
        learned = admitted.model.learned_calls
        calls = asked.tools.calls(messages, self._settings.current.offered_tools, learned=learned)
        sampling = replace(self._sampling(asked, len(prompt)), calls=calls)
        queue, headers = await inference.ask(admitted, [prompt], sampling)
        inference.note("response", admitted)
        head, ended = self._head(admitted.model.name, asked), self._keeper(asked, before, given)
        answer = ResponseAnswer(head, sampling, len(prompt), queue, ended)
        return await inference.respond(request, admitted, answer, headers, stream=asked.stream)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._stored(request.path_params["id"])["response"])

    async def delete(self, request: Request) -> JSONResponse:
        id = self._stored(request.path_params["id"])["response"]["id"]
        self._store.delete("response", id)
        self._store.delete_family("response_item", id)
        return JSONResponse({"id": id, "object": "response", "deleted": True})

    async def input_items(self, request: Request) -> JSONResponse:
        """Newest first, as the service lists them unless it is asked otherwise (S-OAI)."""
        stored = self._stored(request.path_params["id"])
        items = [*stored["before"], *stored["given"]]
        if request.query_params.get("order", "desc") != "asc":
            items.reverse()
        return page(request, items, PAGE, LONGEST_PAGE, ends=True)

    async def cancel(self, request: Request) -> JSONResponse:
        self._stored(request.path_params["id"])
        message = "Cannot cancel a synchronous response."
        raise InferenceError(400, "invalid_request_error", message)

    # ---- inside ------------------------------------------------------------------------------

    def _sampling(self, asked: ResponseRequest, prompt_tokens: int) -> SamplingOptions:
        try:
            return self._inference.room(prompt_tokens, asked.sampling, asked.limited)
        except InferenceError as error:
            raise _too_long(error) from error

    def _keeper(
        self, asked: ResponseRequest, before: list[Item], given: list[Item]
    ) -> Callable[[Document], None]:
        """What becomes of the response once it is complete."""
        # Callers have met it without a fault of theirs (dotnet/extensions#7704).
        lost = asked.store and self._faults.trigger("response-lost")

        def ended(response: Document) -> None:
            if asked.store and not lost:
                self._store_response(response, before, given)

        return ended

    def _head(self, model: str, asked: ResponseRequest) -> Document:
        return {
            "id": new_item_id("resp"),
            "object": "response",
            "created_at": self._clock.seconds(),
            "model": model,
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": self._inference.language.fingerprint,
            **asked.echoed,
        }

    def _before(self, previous: str | None) -> list[Item]:
        """The conversation up to an earlier response, with that response."""
        if previous is None:
            return []
        stored = self._find(previous)
        if stored is None:  # the service's words (agent-framework#6419)
            message = f"Previous response with id '{previous[:80]}' not found."
            param = "previous_response_id"
            raise InferenceError(400, "previous_response_not_found", message, param)
        return [*stored["before"], *stored["given"], *stored["response"]["output"]]

    def _store_response(self, response: Document, before: list[Item], given: list[Item]) -> None:
        """An item is found by its own id too: clients refer to it (item_reference)."""
        id, until = response["id"], self._clock.now() + KEPT_SECONDS
        stored = {"response": response, "before": before, "given": given, "until": until}
        self._store.put("response", id, stored)
        for item in (*given, *response["output"]):
            if "id" in item:
                self._store.put("response_item", item["id"], {"item": item, "until": until}, id)

    def _stored(self, id: str) -> Document:
        stored = self._find(id)
        if stored is None:
            message = f"Response with id '{id[:80]}' not found."
            raise InferenceError(404, "not_found", message)
        return stored

    def _find(self, id: str, kind: str = "response") -> Document | None:
        """None also for what has been kept for its time."""
        stored = self._store.get(kind, id)
        return stored if stored and self._clock.now() < stored["until"] else None

    def _item(self, id: str) -> Item | None:
        found = self._find(id, "response_item")
        return dict(found["item"]) if found else None


def _messages(asked: ResponseRequest, items: list[Item]) -> list[Message]:
    """Instructions are of one response, and come before everything (S-OAI)."""
    said = [Message("system", asked.instructions)] if asked.instructions else []
    return [*said, *messages_of(items)]


def _too_long(error: InferenceError) -> InferenceError:
    """In the words that the Responses API has for it."""
    message = "Your input exceeds the context window of this model. Please adjust your input and"
    return InferenceError(error.status, error.code, f"{message} try again.", "input")
