"""From a remembered conversation and what somebody thinks of its answer to a line of a dataset.

Pure: knows the training formats and the dataset check, whose errors no line may have. Not where
conversations are, nor how they came there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.chat.messages import Message, NotKept, kept_message, kept_messages, kept_tools
from shared.dataset.checks.example_checks import check_example
from shared.dataset.findings.finding import Severity
from shared.dataset.findings.table import TABLE
from shared.dataset.reading.limits import Steps, TooComplex

WHOLE = ("stop", "tool_calls", "function_call")  # why an answer ends that is whole


class Method(StrEnum):
    """What the examples are for; the word of `method` in a run.yaml."""

    SUPERVISED = "supervised"
    DPO = "dpo"


class Reason(StrEnum):
    """Why a rated answer is in no export."""

    LENGTH = "length"
    CONTENT_FILTER = "content-filter"
    UNFINISHED = "unfinished"
    TOO_LARGE = "too-large"
    NOT_MASKABLE = "not-maskable"
    REJECTED = "rejected"
    SAME = "same"
    UNREADABLE = "unreadable"


TOLD = {
    Reason.LENGTH: "cut off at a limit of tokens",
    Reason.CONTENT_FILTER: "cut off by the content filter",
    Reason.UNFINISHED: "ended before their end",
    Reason.TOO_LARGE: "of conversations too large to be remembered",
    Reason.NOT_MASKABLE: "of conversations that could not be masked",
    Reason.REJECTED: "of conversations that the dataset check rejects",
    Reason.SAME: "corrected to what they said already",
    Reason.UNREADABLE: "that cannot be read (the app's log names the blobs)",
}


class LeftOut(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def rated_example(
    conversation: Mapping[str, Any], rating: Mapping[str, Any], method: Method = Method.SUPERVISED
) -> dict[str, Any] | None:
    """An example that the dataset check accepts; None if the rating asks for none. Raises LeftOut,
    and what anybody's mistake in a stored line comes to: ValueError, KeyError, TypeError."""
    correction = _correction(rating)
    if method is Method.DPO:
        wanted = rating["rating"] == "bad" and correction
    else:
        wanted = rating["rating"] == "good" or correction
    if not wanted:
        return None
    if reason := conversation.get("left_out"):
        raise LeftOut(Reason(reason))
    try:
        build = _pair if method is Method.DPO else _chat
        example = build(conversation, correction)
    except NotKept:
        raise LeftOut(Reason.NOT_MASKABLE) from None
    if not _is_accepted(example):
        raise LeftOut(Reason.REJECTED)
    return example


def source(conversation: Mapping[str, Any], rating: Mapping[str, Any]) -> dict[str, Any]:
    """Where an example comes from."""
    return {
        "id": conversation["id"],
        "answered_at": conversation["at"],
        "answered_by": conversation["served_by"],
        "rating": rating["rating"],
        "corrected": "correction" in rating,
        "rated_at": rating["at"],
        "rated_by": rating["by"],
    }


def _correction(rating: Mapping[str, Any]) -> list[Message]:
    said = rating.get("correction")
    return [{"role": "assistant", "content": said}] if said else []


def _chat(conversation: Mapping[str, Any], correction: list[Message]) -> dict[str, Any]:
    """Only the rated answer is to be learned: nobody has rated the earlier ones."""
    context = [
        {**message, "weight": 0} if message.get("role") == "assistant" else message
        for message in kept_messages(conversation["messages"])
    ]
    target = correction or [_whole_answer(conversation)]
    return {"messages": [*context, *target], **_tools(conversation)}


def _pair(conversation: Mapping[str, Any], correction: list[Message]) -> dict[str, Any]:
    """What is better, and what was said. A preference has no weights."""
    said = [_whole_answer(conversation)]
    if list(map(_spoken, said)) == list(map(_spoken, correction)):
        raise LeftOut(Reason.SAME)
    given = {"messages": kept_messages(conversation["messages"]), **_tools(conversation)}
    return {"input": given, "preferred_output": correction, "non_preferred_output": said}


def _spoken(message: Message) -> Message:
    """Without the blanks around its text, which nobody meant to teach."""
    text = message.get("content")
    return {**message, "content": text.strip()} if isinstance(text, str) else message


def _whole_answer(conversation: Mapping[str, Any]) -> Message:
    """What was remembered before its end was noted counts as whole."""
    reason = conversation.get("finish_reason", "stop")
    if reason in WHOLE:
        return kept_message(conversation["answer"])
    ends = {"length": Reason.LENGTH, "content_filter": Reason.CONTENT_FILTER}
    raise LeftOut(ends.get(reason, Reason.UNFINISHED))


def _tools(conversation: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if tools := kept_tools(conversation.get("tools")):
        found["tools"] = tools
    if isinstance(at_once := conversation.get("parallel_tool_calls"), bool):
        found["parallel_tool_calls"] = at_once
    return found


def _is_accepted(example: dict[str, Any]) -> bool:
    """Whether the dataset check finds no error in it."""
    try:
        found = check_example(example, Steps())
        return not any(TABLE[one.id].severity is Severity.ERROR for one in found)
    except TooComplex:
        return False
