"""The answers of a comparison, each kept beside its run as soon as it is there:

    <run>/answers.jsonl   a line for each answer, and for each try that came to none

What was kept is not asked again, whoever goes on: an answer is found by who gave it and by all of
what was asked. Where a line is there twice, the first counts.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pydantic import ValidationError

from shared.catalog import facts
from shared.cloud.container import continued
from shared.cloud.documents import Frozen
from shared.dataset.checks.parts import count_images
from shared.dataset.pictures import without_pictures
from shared.model.evaluation import Answer
from shared.run.context import Context

NAME = "answers.jsonl"
BYTES_OF_A_TOKEN = 4  # of an English text
PICTURES = max(facts.IMAGE_TOKENS.values.values())  # of the model that counts most for one
Key = tuple[str, str]  # who is asked, and the digest of what


class _Line(Frozen):
    """`answer` is None for a try that came to none."""

    model: str
    asked: str
    line: int
    answer: Answer | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """All of a chat completion's request but its model; `line` is of the validation file. `tokens`:
    about how many it takes of what its deployment takes in a minute."""

    line: int
    body: Mapping[str, Any]
    digest: str
    tokens: int = 0

    @classmethod
    def of(cls, line: int, body: Mapping[str, Any]) -> "Question":
        text = json.dumps(body, sort_keys=True)
        tokens = _of_prompt(body, text) + int(body.get("max_completion_tokens", 0))
        return cls(line, body, hashlib.sha256(text.encode()).hexdigest()[:24], tokens)


def _of_prompt(body: Mapping[str, Any], text: str) -> int:
    """A picture by what it is looked at with, whatever its bytes."""
    images = count_images(body.get("messages"))
    pictures = images.low * PICTURES.low + images.high * PICTURES.high
    return len(without_pictures(text)) // BYTES_OF_A_TOKEN + pictures


@dataclass
class Transcript:
    """`tries`: how often a question was asked in vain."""

    run_id: str
    answers: dict[Key, Answer] = field(default_factory=dict)
    tries: Counter[Key] = field(default_factory=Counter)

    async def add(self, model: str, question: Question, answer: Answer, ctx: Context) -> None:
        """Raises what storage raises; the answer is not known then."""
        await self._append(model, question, ctx, answer=answer)
        self.answers.setdefault((model, question.digest), answer)

    async def add_try(self, model: str, question: Question, reason: str, ctx: Context) -> int:
        """One more that came to no answer; how many there are of it."""
        await self._append(model, question, ctx, failed=reason)
        self.tries[model, question.digest] += 1
        return self.tries[model, question.digest]

    async def _append(self, model: str, question: Question, ctx: Context, **told: Any) -> None:
        line = _Line(model=model, asked=question.digest, line=question.line, **told)
        text = line.model_dump_json(exclude_defaults=True)
        await ctx.ledger.runs.append(f"{self.run_id}/{NAME}", text)


async def load(run_id: str, ctx: Context) -> Transcript:
    transcript = Transcript(run_id)
    for part in count(1):
        name, there = continued(f"{run_id}/{NAME}", part), False
        async for lines in ctx.ledger.runs.lines(name):
            there = True
            for line in lines:
                _read(line, transcript)
        if not there:
            return transcript
    raise AssertionError("parts end")


def _read(line: bytes, transcript: Transcript) -> None:
    """What cannot be read was not kept."""
    try:
        found = _Line.model_validate_json(line)
    except ValidationError:
        return
    key = (found.model, found.asked)
    if found.answer:
        transcript.answers.setdefault(key, found.answer)
    else:
        transcript.tries[key] += 1
