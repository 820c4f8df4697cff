"""What a comparison of models is made of: examples that are asked, and the answers to them.

An example is a line of a validation file: what a model is asked, and the answer that is expected.
Knows the shapes of the dataset and of a chat completion; asks nobody, and scores nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from shared.cloud.documents import Count, Frozen
from shared.dataset.checks.conversations import text_of
from shared.dataset.checks.preference import is_preference

_ASKED_WITH = ("tools", "parallel_tool_calls", "functions")  # keys of an example that are sent
_OUTPUTS = ("preferred_output", "non_preferred_output")
_CUT = "length"  # the finish reason of an answer that has met the limit of tokens
NEVER_ASKED = "it was never asked"


class Role(StrEnum):
    """Whose answers are compared: the candidate's, with those of the others."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    BASE = "base"


class Call(Frozen):
    """A call of a tool; `arguments` is the text as it was written, JSON or not."""

    name: str
    arguments: str = ""


class Expected(NamedTuple):
    """An assistant's message of a dataset."""

    text: str
    calls: tuple[Call, ...] = ()

    @property
    def says_something(self) -> bool:
        return bool(self.calls or self.text.strip())


@dataclass(frozen=True, slots=True)
class Example:
    """`line` counts from 1 in the validation file. `request` has the keys of a chat completion that
    the dataset decides: `messages`, and `tools` where there are some. `rejected` is the answer of a
    preference that is not wanted."""

    line: int
    request: Mapping[str, Any]
    expected: Expected
    rejected: Expected | None = None


class Answer(Frozen):
    """What one model said to one example. A call that failed has its reason in `failure`, and
    counts as a failure; `seconds` from sending to the whole answer."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    failure: str = ""
    finish_reason: str = ""
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.failure)

    @property
    def empty(self) -> bool:
        return not (self.failed or self.calls or self.text.strip())

    @property
    def cut(self) -> bool:
        """Whether it ended at the limit of tokens."""
        return self.finish_reason == _CUT


@dataclass(frozen=True, slots=True)
class Respondent:
    """One side of a comparison: `name` is a version (`captain@2`) or a base model, `answers` its
    answers by the line of the example. An example without an answer was not asked: that is no
    failure, and it is in no pair."""

    role: Role
    name: str
    answers: Mapping[int, Answer]

    def asked(self, example: Example) -> bool:
        return example.line in self.answers

    def answer(self, example: Example) -> Answer:
        return self.answers.get(example.line, Answer(failure=NEVER_ASKED))


def example_of(line: int, parsed: Mapping[str, Any]) -> Example | None:
    """The example of a line of a validation file; None where no answer is expected: it has no
    assistant's message that is learned from (`weight` 0 is not), or one that says nothing."""
    if is_preference(dict(parsed)):
        return _preference(line, parsed)
    messages = _listed(parsed.get("messages"))
    at = _last_answer(messages)
    if at is None:
        return None
    expected = _expected(messages[at])
    request = _request(parsed, messages[:at])
    return Example(line, request, expected) if expected.says_something and at else None


def _preference(line: int, parsed: Mapping[str, Any]) -> Example | None:
    given = parsed.get("input")
    given = given if isinstance(given, dict) else {}
    asked = _listed(given.get("messages"))
    wanted, unwanted = (_output(parsed.get(key)) for key in _OUTPUTS)
    if not asked or wanted is None:
        return None
    return Example(line, _request(given, asked), wanted, unwanted)


def _output(messages: Any) -> Expected | None:
    listed = _listed(messages)
    at = _last_answer(listed)
    expected = None if at is None else _expected(listed[at])
    return expected if expected and expected.says_something else None


def _listed(messages: Any) -> list[dict[str, Any]]:
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def _last_answer(messages: list[dict[str, Any]]) -> int | None:
    answers = [
        at
        for at, message in enumerate(messages)
        if message.get("role") == "assistant" and message.get("weight", 1) != 0
    ]
    return answers[-1] if answers else None


def _request(given: Mapping[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    asked = [{key: value for key, value in m.items() if key != "weight"} for m in messages]
    return {
        "messages": asked,
        **{key: given[key] for key in _ASKED_WITH if given.get(key) is not None},
    }


def _expected(message: Mapping[str, Any]) -> Expected:
    return Expected(_said(message), _calls(message))


def answer_of(completion: Mapping[str, Any], seconds: float) -> Answer:
    """The answer in a chat completion's body; one that is no completion counts as a failure."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Answer(failure="the answer is no chat completion", seconds=seconds)
    usage = completion.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(
        text=_said(message),
        calls=_calls(message),
        finish_reason=_text(choice.get("finish_reason")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        seconds=round(max(seconds, 0.0), 3),
    )


def _said(message: Mapping[str, Any]) -> str:
    """A refusal is what was said as well: the content is empty then."""
    return _text(text_of(message.get("content"))) or _text(message.get("refusal"))


def _calls(message: Mapping[str, Any]) -> tuple[Call, ...]:
    """Of tools, and of functions as they were called before there were tools."""
    listed = message.get("tool_calls")
    listed = listed if isinstance(listed, list) else []
    called = [call.get("function") for call in listed if isinstance(call, dict)]
    called.append(message.get("function_call"))
    return tuple(
        Call(name=_text(one.get("name")), arguments=_arguments(one.get("arguments")))
        for one in called
        if isinstance(one, dict)
    )


def _arguments(given: Any) -> str:
    return _text(given) if isinstance(given, str | None) else json.dumps(given)


def _text(given: Any) -> str:
    """A text that can be encoded: half a surrogate pair, which JSON may hold, is replaced."""
    return given.encode("utf-8", "replace").decode() if isinstance(given, str) else ""


def _count(given: Any) -> int:
    whole = isinstance(given, int) and not isinstance(given, bool)
    return min(max(given, 0), 2**53) if whole else 0
