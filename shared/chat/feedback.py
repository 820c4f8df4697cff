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
import hashlib
import json
import logging
import random
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.chat import transcripts
from shared.chat.parsing import BadRequest, has_more_values
from shared.chat.protocol import ChatRequest
from shared.cloud.container import Container
from shared.dataset.privacy import mask
from shared.errors import NotFound, SettingError, TunedropError, Unreadable
from shared.printable import shown

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 2**20  # a longer answer is not recorded
MAX_RATING_BYTES = 2**20  # of a rating's body: the longest texts of it, escaped
MAX_RATING_VALUES = 16  # an error for each unknown field would take seconds for a long body
HOW_TO_RATE = 'Send {"id": RESPONSE_ID, "rating": "good" or "bad", "correction": …, "comment": …}.'

PLACE = re.compile(r"([a-z0-9-]{1,120})/\d{4}-\d\d-\d\d/\d\d")  # of a conversation
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Read = TypeVar("Read")
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
        """The model whose answer it was. Raises NotFound for one that is not recorded, Unreadable
        where it is not known any more."""
        blob = await self.container.read(f"answers/{response_id}")
        if blob is None:
            raise NotFound(
                f"No answer {response_id!r} is remembered.",
                "Rate an answer of a model that remembers (TUNEDROP_REMEMBER), by its `id`.",
            )
        place = PLACE.fullmatch(blob.data.decode(errors="replace"))
        if place is None:
            raise Unreadable(
                f"What is remembered of the answer {response_id!r} cannot be read.",
                f"Put back an earlier version of {self.container.name}/answers/{response_id}.",
            )
        return place[1]

    async def rate(self, rating: Rating, model: str, by: str) -> None:
        fields = await asyncio.to_thread(rating.masked)
        at = self.clock()
        line = {**fields, "at": at.isoformat(timespec="seconds"), "by": by}
        await self.container.append(f"ratings/{model}/{at:%Y-%m-%d}.jsonl", json.dumps(line))

    async def export(self, model: str) -> AsyncIterator[list[Rated]]:
        """Good and corrected answers as examples, each with where it comes from: two lines of
        JSON, page by page. No example comes twice; the last rating of an answer counts.

        Held at once are the ratings, a digest of each example, and a page. A line that cannot be
        read is left out, with the name of its blob in the app's log.
        """
        ratings: dict[str, dict[str, Any]] = {}
        async for name, lines in self._pages(f"ratings/{model}/"):
            ratings |= await asyncio.to_thread(_ratings, name, lines)
        seen: set[bytes] = set()
        async for name, lines in self._pages(f"conversations/{model}/"):
            if page := await asyncio.to_thread(_rated, name, lines, ratings, seen):
                yield page

    async def forget(self, days: int) -> None:
        """Delete what is older, by storage's clock: one that is wrong here would delete too much.
        Costs a listing, and a call for each blob that is deleted."""
        oldest = await self.container.time() - timedelta(days=days)
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

    async def _pages(self, prefix: str) -> AsyncIterator[tuple[str, list[bytes]]]:
        """The lines of the logs that begin with this, however large those are, each page with the
        name of its log."""
        async for log_blob in self.container.list(prefix):
            async for lines in self.container.lines(log_blob.name):
                yield log_blob.name, lines


def _line(head: dict[str, Any], chat: ChatRequest, answer: bytes) -> tuple[str, str] | None:
    """The id of an answer and the line that is stored of its conversation."""
    transcript = transcripts.transcript(chat, answer)
    return (transcript["id"], json.dumps({**head, **transcript})) if transcript else None


def _ratings(name: str, lines: list[bytes]) -> dict[str, dict[str, Any]]:
    return dict(_each(name, lines, lambda line: (str(line["id"]), dict(line))))


def _rated(
    name: str, lines: list[bytes], ratings: dict[str, dict[str, Any]], seen: set[bytes]
) -> list[Rated]:
    """The examples that come of these conversations and are new; their digests are added to
    `seen`."""

    def rated(conversation: dict[str, Any]) -> tuple[bytes, Rated] | None:
        rating = ratings.get(conversation["id"])
        found = transcripts.rated_example(conversation, rating) if rating else None
        if found is None:
            return None
        text = json.dumps(found[0], sort_keys=True, allow_nan=False)
        example, source = (json.dumps(part, ensure_ascii=False) for part in found)
        f"{example}{source}".encode()  # half of a surrogate pair cannot be written
        return hashlib.sha256(text.encode()).digest(), (example, source)

    examples = []
    for digest, example in _each(name, lines, rated):
        if digest not in seen:
            seen.add(digest)
            examples.append(example)
    return examples


def _each(
    name: str, lines: list[bytes], read: Callable[[dict[str, Any]], Read | None]
) -> list[Read]:
    """What is read out of each line, without those that cannot be read."""
    found, bad = [], 0
    for line in lines:
        try:
            if (one := read(json.loads(line))) is not None:
                found.append(one)
        except UNREADABLE:
            bad += 1
    if bad:
        log.error("%d lines of %s cannot be read and are left out", bad, shown(name))
    return found


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
