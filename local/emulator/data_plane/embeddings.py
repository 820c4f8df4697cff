"""Embeddings in both URL families: texts as vectors. Knows no torch.

The vectors are the small model's own, so they have its dimension and not that of the model whose
name is deployed.
"""

import base64
import math
import struct
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..control_plane.catalog import EMBEDDINGS
from ..core.errors import InferenceError
from .inference import Inference, body_of
from .parameters import bad, required, unknown, whole

SUPPORTED = {"model", "input", "encoding_format", "dimensions", "user", "input_type"}
MAX_TEXTS = 2048  # S-OAI
MAX_DIMENSIONS = 1_000_000
FORMATS = ("float", "base64")


@dataclass(frozen=True)
class EmbeddingRequest:
    texts: list[str]
    format: str
    dimensions: int | None


class Embeddings:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def v1_routes(self) -> list[Route]:
        return [Route("/embeddings", self.create_v1, methods=["POST"])]

    def dated_routes(self) -> list[Route]:
        return [Route("/deployments/{name}/embeddings", self.create_dated, methods=["POST"])]

    async def create_v1(self, request: Request) -> JSONResponse:
        body = await body_of(request)
        return await self._create(str(body.get("model")), body)

    async def create_dated(self, request: Request) -> JSONResponse:
        return await self._create(request.path_params["name"], await body_of(request))

    async def _create(self, deployment: str, body: dict[str, Any]) -> JSONResponse:
        inference, language = self._inference, self._inference.language
        admitted = inference.admit(deployment, EMBEDDINGS)
        asked = parse(body)
        tokens = [await language.text_tokens(text) for text in asked.texts]
        if (longest := max(map(len, tokens))) > language.context_length:
            raise _too_long(language.context_length, longest)
        vectors = [_shortened(await language.embed(one), asked.dimensions) for one in tokens]
        used = sum(map(len, tokens))
        inference.note("embedding", admitted)
        shown = {
            "object": "list",
            "data": [_shown(number, one, asked.format) for number, one in enumerate(vectors)],
            "model": admitted.model.name,
            "usage": {"prompt_tokens": used, "total_tokens": used},
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": language.fingerprint,
        }
        return JSONResponse(shown, headers=inference.headers(deployment, used))


def parse(body: dict[str, Any]) -> EmbeddingRequest:
    for name in body:
        if name not in SUPPORTED:
            raise unknown(name)
    format = body.get("encoding_format") or "float"
    if format not in FORMATS:
        raise bad("encoding_format", f"supported values are {' and '.join(FORMATS)}.")
    dimensions = whole(body, "dimensions", 1, MAX_DIMENSIONS)
    return EmbeddingRequest(_texts(body.get("input")), format, dimensions)


def _texts(given: Any) -> list[str]:
    if given is None:
        raise required("input")
    texts = given if isinstance(given, list) else [given]
    if not 0 < len(texts) <= MAX_TEXTS:
        raise bad("input", f"must be a string or a list of 1 to {MAX_TEXTS} strings.")
    if all(isinstance(text, int | list) for text in texts):  # as LangChain sends by default
        raise bad(
            "input",
            "these are token numbers of another model's tokenizer, which this emulator does not"
            " have; send texts (LangChain: check_embedding_ctx_length=False).",
        )
    for text in texts:
        if not isinstance(text, str):
            raise bad("input", "every entry must be a string.")
        if not text:
            raise bad("input", "input cannot be an empty string.")  # OpenAI's words
    return texts


def _shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """The first so many numbers, again of length 1 (S-OAI: dimensions)."""
    if dimensions is None:
        return vector
    if dimensions > len(vector):
        reason = f"this emulator's small model has {len(vector)} dimensions; ask for no more."
        raise bad("dimensions", reason)
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [number / length for number in kept]


def _shown(index: int, vector: list[float], format: str) -> dict[str, Any]:
    """Base64 is of single-precision numbers, lowest byte first: what SDKs ask for unasked
    (openai-python#1490)."""
    shown: Any = vector
    if format == "base64":
        shown = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return {"object": "embedding", "index": index, "embedding": shown}


def _too_long(length: int, tokens: int) -> InferenceError:
    """In the service's words (azure-docs#107061); the code is [inferred]."""
    message = f"This model's maximum context length is {length} tokens, however you requested"
    message += f" {tokens} tokens ({tokens} in your prompt; 0 for the completion). Please reduce"
    message += " your prompt; or completion length."
    return InferenceError(400, "context_length_exceeded", message, "input")
