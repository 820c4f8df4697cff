"""Conversations that become the next dataset: recorded if asked to, rated, exported.

Off unless a setting names the model. Texts are masked by the dataset check's own detectors before
they are written, and deleted after some days. In the feedback container:

    conversations/<model>/<day>/<hour>.jsonl   what was asked and answered
    answers/<response id>                      where in there an answer is
    ratings/<model>/<day>.jsonl                what people think of it

Recording is best effort: it happens after the answer and a chat never fails for it. Masking, and
parsing what is stored, run in a thread: they can take seconds, and other streams must go on.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.chat import transcripts
from shared.chat.protocol import BadRequest, ChatRequest, has_more_values
from shared.cloud.container import Container
from shared.dataset.privacy import mask
from shared.errors import NotFound, SettingError, TunedropError
from shared.printable import shown

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 2**20  # a longer answer is not recorded
MAX_RATING_BYTES = 2**20  # of a rating's body: the longest texts of it, escaped
MAX_RATING_VALUES = 16  # an error for each unknown field would take seconds for a long body
HOW_TO_RATE = 'Send {"id": RESPONSE_ID, "rating": "good" or "bad", "correction": …, "comment": …}.'

Rated = tuple[str, str]  # an example, and where it comes from; each as a line of JSON


class Rating(BaseModel):
    """What somebody thinks of an answer; a correction is the answer that it should have been."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=f"^{transcripts.RESPONSE_ID.pattern}$")]
    rating: Literal["good", "bad"]
    correction: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None

    def masked(self) -> dict[str, Any]:
        """As it is stored."""
        fields = self.model_dump(exclude_none=True)
        for name in ("correction", "comment"):
            if name in fields:
                fields[name] = mask(fields[name])
        return fields


class FeedbackStore:
    """`sampling_rates` says which models are recorded, and which part of their conversations."""

    def __init__(
        self,
        container: Container,
        sampling_rates: dict[str, float],
        chance: Callable[[], float] = random.random,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.container, self.sampling_rates = container, sampling_rates
        self.chance, self.clock = chance, clock

    def samples(self, model: str | None) -> bool:
        """Whether this conversation is one to record; drawn anew at each call."""
        return self.chance() < self.sampling_rates.get(model or "", 0.0)

    async def record(self, served_by: str, chat: ChatRequest, answer: bytes) -> None:
        """Store a conversation. A problem of the storage is logged and not raised."""
        try:
            await self._record(served_by, chat, answer)
        except TunedropError as error:
            log.warning("a conversation with %s is not recorded: %s", served_by, error)

    async def model_of(self, response_id: str) -> str:
        """The model whose answer it was. Raises NotFound for one that is not recorded."""
        blob = await self.container.read(f"answers/{response_id}")
        if blob is None:
            raise NotFound(
                f"No answer {response_id!r} is remembered.",
                "Rate an answer of a model that remembers (TUNEDROP_REMEMBER), by its `id`.",
            )
        return blob.data.decode().partition("/")[0]

    async def rate(self, rating: Rating, model: str, by: str) -> None:
        fields = await asyncio.to_thread(rating.masked)
        at = self.clock()
        line = {**fields, "at": at.isoformat(timespec="seconds"), "by": by}
        await self.container.append(f"ratings/{model}/{at:%Y-%m-%d}.jsonl", json.dumps(line))

    async def export(self, model: str) -> list[Rated]:
        """Good and corrected answers as examples, each with where it comes from: two lines of
        JSON. No example comes twice; the last rating of an answer counts."""
        ratings: dict[str, dict[str, Any]] = {}
        async for data in self._files(f"ratings/{model}/"):
            ratings |= await asyncio.to_thread(_ratings, data)
        examples: dict[str, Rated] = {}
        async for data in self._files(f"conversations/{model}/"):
            examples |= await asyncio.to_thread(_rated, data, ratings)
        return list(examples.values())

    async def forget(self, days: int) -> None:
        """Delete what is older. Costs a listing, and a call for each blob that is deleted."""
        oldest = self.clock() - timedelta(days=days)
        async for blob in self.container.list():
            if blob.modified < oldest:
                await self.container.delete(blob.name)

    async def _record(self, served_by: str, chat: ChatRequest, answer: bytes) -> None:
        if len(answer) >= MAX_ANSWER_BYTES:
            return
        model, at = served_by.partition("@")[0], self.clock()
        head = {"at": at.isoformat(timespec="seconds"), "served_by": served_by}
        recorded = await asyncio.to_thread(_line, head, chat, answer)
        if recorded is None:
            return
        response_id, line = recorded
        place = f"{model}/{at:%Y-%m-%d}/{at:%H}"
        await self.container.append(f"conversations/{place}.jsonl", line)
        await self.container.put(f"answers/{response_id}", place.encode(), "text/plain")

    async def _files(self, prefix: str) -> AsyncIterator[bytes]:
        async for entry in self.container.list(prefix):
            if blob := await self.container.read(entry.name):
                yield blob.data


def _line(head: dict[str, Any], chat: ChatRequest, answer: bytes) -> tuple[str, str] | None:
    """The id of an answer and the line that is stored of its conversation."""
    transcript = transcripts.transcript(chat, answer)
    return (transcript["id"], json.dumps({**head, **transcript})) if transcript else None


def _ratings(data: bytes) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in map(json.loads, data.splitlines())}


def _rated(data: bytes, ratings: dict[str, dict[str, Any]]) -> dict[str, Rated]:
    """The examples that come of a file's conversations, each by its own text."""
    examples: dict[str, Rated] = {}
    for conversation in map(json.loads, data.splitlines()):
        rating = ratings.get(conversation["id"])
        if rating and (rated := transcripts.rated_example(conversation, rating)):
            example, source = (json.dumps(part, ensure_ascii=False) for part in rated)
            examples[json.dumps(rated[0], sort_keys=True)] = example, source
    return examples


def sampling_rates(remember: tuple[str, ...]) -> dict[str, float]:
    """`captain` or `captain:0.1`, which records every tenth. Raises SettingError."""
    rates = {}
    for entry in remember:
        model, _, rate = entry.partition(":")
        try:
            rates[model] = float(rate or 1)
        except ValueError:
            rates[model] = -1.0
        if not 0 <= rates[model] <= 1:
            raise SettingError(
                f"TUNEDROP_REMEMBER has {entry!r}.", "Write MODEL or MODEL:SHARE, from 0 to 1."
            )
    return rates


def parse_rating(body: bytes) -> Rating:
    """Raises BadRequest that names the field."""
    if has_more_values(body.decode(errors="replace"), MAX_RATING_VALUES):
        raise BadRequest("The body has too many fields.", HOW_TO_RATE)
    try:
        return Rating.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors()[0]
        place = shown(".".join(map(str, problem["loc"]))) or None
        raise BadRequest(
            f"{place or 'The body'}: {problem['msg']}.",
            HOW_TO_RATE,
            param=place,
        ) from None
