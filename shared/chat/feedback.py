"""Conversations that become the next dataset: recorded if asked to, and rated.

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
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared import telemetry
from shared.chat import rated, transcripts
from shared.chat.examples import Method, Reason
from shared.chat.parsing import BadRequest, has_more_values
from shared.chat.protocol import ChatRequest
from shared.chat.rated import Rated
from shared.cloud.container import LONGEST_LINE, Container
from shared.dataset.privacy import mask
from shared.errors import NotFound, SettingError, TunedropError, Unreadable
from shared.printable import shown

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 2**20  # a longer answer is not recorded
MAX_RATING_BYTES = 2**20  # of a rating's body: the longest texts of it, escaped
MAX_RATING_VALUES = 16  # an error for each unknown field would take seconds for a long body
HOW_TO_RATE = 'Send {"id": RESPONSE_ID, "rating": "good" or "bad", "correction": …, "comment": …}.'

PLACE = re.compile(r"([a-z0-9-]{1,120})/\d{4}-\d\d-\d\d/\d\d")  # of a conversation


class Rating(BaseModel):
    """What somebody thinks of an answer; a correction is the answer that it should have been."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=f"^{transcripts.RESPONSE_ID.pattern}$")]
    rating: Literal["good", "bad"]
    correction: Annotated[str, Field(pattern=r"\S", max_length=100_000)] | None = None
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

    def samples(self, model: str | None, size: int = 0) -> bool:
        """Whether a conversation, whose request has so many bytes, is one to record; drawn anew at
        each call. One that is too large is counted, and told in the log."""
        drawn = self.chance() < self.sampling_rates.get(model or "", 0.0)
        if drawn and size > transcripts.MAX_CONVERSATION_BYTES:
            _not_kept(model or "", Reason.TOO_LARGE, f"its request has {size:,} bytes")
        return drawn and size <= transcripts.MAX_CONVERSATION_BYTES

    async def record(self, served_by: str, chat: ChatRequest, answer: bytes) -> None:
        """Store a conversation, or why it cannot be an example. A problem of the storage is logged
        and not raised."""
        model = served_by.partition("@")[0]
        if len(answer) >= MAX_ANSWER_BYTES:
            _not_kept(model, Reason.TOO_LARGE, f"its answer has {len(answer):,} bytes or more")
            return
        try:
            await self._record(model, served_by, chat, answer)
        except TunedropError as error:
            _not_kept(model, "storage", str(error))

    async def model_of(self, response_id: str) -> str:
        """The model whose answer it was. Raises NotFound for one that is not recorded, Unreadable
        where it is not known any more."""
        blob = await self.container.read(f"answers/{response_id}")
        if blob is None:
            raise NotFound(
                f"No answer {response_id!r} is remembered.",
                "Rate an answer of a model that remembers (TUNEDROP_REMEMBER), by its `id`; a "
                "stream that was cut, a conversation of megabytes, and an answer without a message "
                "or with another kind of id are not remembered.",
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

    def export(
        self,
        model: str,
        method: Method = Method.SUPERVISED,
        left_out: Counter[str] | None = None,
    ) -> AsyncIterator[list[Rated]]:
        """Rated answers as examples, page by page. `left_out` is added to: how many could be none,
        by Reason."""
        return rated.pages(
            self.container, model, method, Counter() if left_out is None else left_out
        )

    async def forget(self, days: int) -> None:
        """Delete what is older, by storage's clock: one that is wrong here would delete too much.
        Costs a listing, and a call for each blob that is deleted."""
        oldest = await self.container.time() - timedelta(days=days)
        async for blob in self.container.list():
            if blob.modified < oldest:
                await self.container.delete(blob.name)

    async def conversations(self, model: str) -> int:
        """How many hours of a model's conversations are remembered."""
        return len([blob async for blob in self.container.list(f"conversations/{model}/")])

    async def forget_model(self, model: str) -> None:
        """Delete all that is remembered of a model. A conversation goes after the places of its
        answers, so that what is cut off halfway is done again."""
        async for blob in self.container.list(f"conversations/{model}/"):
            async for lines in self.container.lines(blob.name):
                for id in await asyncio.to_thread(_answers, lines):
                    await self._forget_answer(id, model)
            await self.container.delete(blob.name)
        async for blob in self.container.list(f"ratings/{model}/"):
            await self.container.delete(blob.name)

    async def _forget_answer(self, id: str, model: str) -> None:
        """Unless it is another model's by now: ids are the service's."""
        found = await self.container.read(f"answers/{id}")
        if found and found.data.startswith(f"{model}/".encode()):
            await self.container.delete(f"answers/{id}")

    async def _record(self, model: str, served_by: str, chat: ChatRequest, answer: bytes) -> None:
        at = self.clock()
        head = {"at": at.isoformat(timespec="seconds"), "served_by": served_by}
        recorded = await asyncio.to_thread(_line, head, chat, answer)
        if recorded is None:
            _not_kept(model, "unrateable", "its answer has no message, or no id to rate it by")
            return
        response_id, line, reason = recorded
        if reason:
            telemetry.measure("tunedrop.feedback.left_out", model=model, why=reason)
        place = f"{model}/{at:%Y-%m-%d}/{at:%H}"
        await self.container.append(f"conversations/{place}.jsonl", line)
        await self.container.put(f"answers/{response_id}", place.encode(), "text/plain")


def _answers(lines: list[bytes]) -> list[str]:
    """The ids in a log; of a line that cannot be read, none."""
    found = []
    for line in lines:
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            id = json.loads(line)["id"]
            found += [id] if transcripts.RESPONSE_ID.fullmatch(id) else []
    return found


def _not_kept(model: str, why: str, told: str) -> None:
    telemetry.measure("tunedrop.feedback.left_out", model=model, why=why)
    log.warning("a conversation with %s is not recorded: %s", model, told)


def _line(head: dict[str, Any], chat: ChatRequest, answer: bytes) -> tuple[str, str, str] | None:
    """The id of an answer, the line that is stored of its conversation, and why that can be no
    example, if so: masked, it may be longer than any line may be."""
    transcript = transcripts.transcript(chat, answer)
    if transcript is None:
        return None
    line = _json({**head, **transcript})
    if len(line.encode()) >= LONGEST_LINE:
        transcript = {"id": transcript["id"], "left_out": Reason.TOO_LARGE}
        line = _json({**head, **transcript})
    return transcript["id"], line, transcript.get("left_out", "")


def _json(value: Any) -> str:
    """Half a surrogate pair, which UTF-8 has no bytes for, is escaped; all else is not, for escapes
    may be three times as long."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


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
