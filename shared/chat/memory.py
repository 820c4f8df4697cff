"""Conversations that become the next dataset: remembered if asked to, rated, exported.

Off unless a setting names the model. Texts are masked by the dataset check's own detectors before
they are written, and forgotten after some days. In the feedback container:

    conversations/<model>/<day>/<hour>.jsonl   what was asked and answered
    answers/<response id>                      where in there an answer is
    ratings/<model>/<day>.jsonl                what people think of it

Remembering is best effort: it happens after the answer and a chat never fails for it.
"""

import asyncio
import json
import logging
import random
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.chat.wire import BadRequest, Chat
from shared.cloud.container import Container
from shared.dataset.privacy import mask
from shared.errors import NotFound, SettingError, TunedropError

log = logging.getLogger(__name__)

MOST_BYTES = 2**20  # of an answer; a longer one is not remembered
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
PASSED_ON = ("tools", "parallel_tool_calls")  # parts of a request that belong to an example

Message = dict[str, Any]


class Rating(BaseModel):
    """What somebody thinks of an answer; a correction is the answer that it should have been."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=f"^{ID.pattern}$")]
    rating: Literal["good", "bad"]
    correction: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None


class Memory:
    """`shares` says which models remember, and which part of their conversations (0 to 1)."""

    def __init__(
        self,
        feedback: Container,
        shares: dict[str, float],
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.feedback, self.shares = feedback, shares
        self.chance, self.now = chance, now
        self._writing: set[asyncio.Task[None]] = set()

    def wants(self, model: str | None) -> bool:
        """Whether this conversation is one to remember; drawn anew at each call."""
        return self.chance() < self.shares.get(model or "", 0.0)

    def keep_later(self, served_by: str, chat: Chat, answer: bytes) -> None:
        """Remember a conversation without making anybody wait for it."""
        task = asyncio.create_task(self._keep_quietly(served_by, chat, answer))
        self._writing.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._writing.discard)

    async def keep(self, served_by: str, chat: Chat, answer: bytes) -> None:
        known = read_answer(answer) if len(answer) < MOST_BYTES else None
        if known is None:
            return
        response_id, message = known
        model, at = served_by.partition("@")[0], self.now()
        place = f"{model}/{at:%Y-%m-%d}/{at:%H}"
        line = {
            "id": response_id,
            "at": at.isoformat(timespec="seconds"),
            "served_by": served_by,
            "messages": [_masked(m) for m in chat.body["messages"]],
            "answer": _masked(message),
            **{name: chat.body[name] for name in PASSED_ON if name in chat.body},
        }
        text = json.dumps(line)
        await self.feedback.append(f"conversations/{place}.jsonl", text)
        await self.feedback.put(f"answers/{response_id}", place.encode(), "text/plain")

    async def where(self, response_id: str) -> str:
        """The model whose answer it was. Raises NotFound for one that is not remembered."""
        found = await self.feedback.read(f"answers/{response_id}")
        if found is None:
            raise NotFound(
                f"No answer {response_id!r} is remembered.",
                "Rate an answer of a model that remembers (TUNEDROP_REMEMBER), by its `id`.",
            )
        return found.data.decode().partition("/")[0]

    async def rate(self, rating: Rating, model: str, by: str) -> None:
        said = rating.model_dump(exclude_none=True)
        for name in ("correction", "comment"):
            if name in said:
                said[name] = mask(said[name])
        at = self.now()
        line = {**said, "at": at.isoformat(timespec="seconds"), "by": by}
        await self.feedback.append(f"ratings/{model}/{at:%Y-%m-%d}.jsonl", json.dumps(line))

    async def export(self, model: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Good and corrected answers as examples, each with where it comes from. No example
        comes twice; the last rating of an answer counts."""
        ratings = {line["id"]: line async for line in self._lines(f"ratings/{model}/")}
        found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        async for conversation in self._lines(f"conversations/{model}/"):
            rating = ratings.get(conversation["id"])
            if rating and (answer := _wanted_answer(conversation["answer"], rating)):
                example = _example(conversation, answer)
                found[json.dumps(example, sort_keys=True)] = example, _source(conversation, rating)
        return list(found.values())

    async def forget(self, days: int) -> None:
        """Delete what is older. Costs a listing, and a call for each blob that goes."""
        oldest = self.now() - timedelta(days=days)
        async for blob in self.feedback.list():
            if blob.modified < oldest:
                await self.feedback.delete(blob.name)

    async def _keep_quietly(self, served_by: str, chat: Chat, answer: bytes) -> None:
        try:
            await self.keep(served_by, chat, answer)
        except TunedropError as error:
            log.warning("a conversation with %s is not remembered: %s", served_by, error)

    async def _lines(self, prefix: str) -> AsyncIterator[dict[str, Any]]:
        async for blob in self.feedback.list(prefix):
            found = await self.feedback.read(blob.name)
            for line in found.data.splitlines() if found else []:
                yield json.loads(line)


def shares(remember: tuple[str, ...]) -> dict[str, float]:
    """`captain` or `captain:0.1`, which remembers every tenth. Raises SettingError."""
    found = {}
    for entry in remember:
        model, _, share = entry.partition(":")
        try:
            found[model] = float(share or 1)
        except ValueError:
            found[model] = -1.0
        if not 0 <= found[model] <= 1:
            raise SettingError(
                f"TUNEDROP_REMEMBER has {entry!r}.", "Write MODEL or MODEL:SHARE, from 0 to 1."
            )
    return found


def read_rating(body: bytes) -> Rating:
    """Raises BadRequest that names the field."""
    try:
        return Rating.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or None
        raise BadRequest(
            f"{place or 'The body'}: {problem['msg']}.",
            'Send {"id": RESPONSE_ID, "rating": "good" or "bad", "correction": …, "comment": …}.',
            param=place,
        ) from None


# ---- answers


def read_answer(body: bytes) -> tuple[str, Message] | None:
    """Id and message of the first choice, from a whole answer or the events of a stream."""
    try:
        chunks = _events(body) if body.lstrip().startswith((b"data:", b":")) else [json.loads(body)]
        return _assembled(chunks)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None  # an error, or a shape of tomorrow


def _events(body: bytes) -> list[Any]:
    lines = (line[5:].strip() for line in body.splitlines() if line.startswith(b"data:"))
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def _assembled(chunks: list[Any]) -> tuple[str, Message] | None:
    response_id, content = "", ""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        response_id = chunk.get("id") or response_id
        for choice in chunk["choices"][:1]:
            part = choice.get("message") or choice.get("delta") or {}
            content += part.get("content") or ""
            for number, call in enumerate(part.get("tool_calls") or []):
                _merge(calls.setdefault(call.get("index", number), {}), call)
    message: Message = {"role": "assistant", "content": content or None}
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    known = ID.fullmatch(response_id) and (content or calls)
    return (response_id, message) if known else None


def _merge(known: dict[str, Any], more: dict[str, Any]) -> None:
    """A stream sends a call's arguments in pieces and everything else once."""
    for name in ("id", "type"):
        if more.get(name):
            known[name] = more[name]
    function = known.setdefault("function", {"name": "", "arguments": ""})
    for name, piece in (more.get("function") or {}).items():
        if isinstance(piece, str):
            function[name] = function.get(name, "") + piece


# ---- examples


def _wanted_answer(answer: Message, rating: dict[str, Any]) -> Message | None:
    if correction := rating.get("correction"):
        return {"role": "assistant", "content": correction}
    return answer if rating["rating"] == "good" else None


def _example(conversation: dict[str, Any], answer: Message) -> dict[str, Any]:
    """Only the rated answer is to be learned: earlier ones are context that nobody has judged."""
    context = [
        {**message, "weight": 0} if message.get("role") == "assistant" else message
        for message in conversation["messages"]
    ]
    extra = {name: conversation[name] for name in PASSED_ON if name in conversation}
    kept = {name: value for name, value in answer.items() if value is not None}
    return {"messages": [*context, kept], **extra}


def _source(conversation: dict[str, Any], rating: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": conversation["id"],
        "answered_at": conversation["at"],
        "answered_by": conversation["served_by"],
        "rating": rating["rating"],
        "corrected": "correction" in rating,
        "rated_at": rating["at"],
        "rated_by": rating["by"],
    }


def _masked(value: Any) -> Any:
    """The same with every text in it masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    return value
