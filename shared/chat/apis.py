"""The APIs of OpenAI that are relayed, and in what they differ: where they are, what a request must
have and costs, by which signs an answer begins, ends and fails.

Everything else of a request and an answer is the same for all of them, and passed on untouched.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from shared.chat import cost, events, response_events
from shared.chat.parsing import BadRequest

MAX_MESSAGES = 2048  # Azure OpenAI quotas: "maximum number of messages in /chat/completions"
COMPLETION_TOKENS = 16  # of a text completion that does not limit itself: OpenAI's default

Body = dict[str, Any]


class Signs(Protocol):
    """How an answer of an API is read: a whole one, or event by event of a stream."""

    def has_answer(self, body: bytes) -> bool:
        """Whether a whole body has something of an answer in it."""

    def is_preamble(self, event: bytes) -> bool:
        """Whether nothing of an answer has begun or ended with an event."""

    def is_end(self, event: bytes) -> bool:
        """Whether an answer has ended with an event as it should."""

    def error_in(self, event: bytes) -> dict[str, Any] | None:
        """The error in the place of an answer; None in every other event, or whole answer."""

    def tokens_in(self, event: bytes) -> int:
        """About how many tokens of the answer an event has."""

    def counted(self, answer: bytes) -> int | None:
        """The tokens of prompt and answer that an answer itself says; None where it does not."""


@dataclass(frozen=True, slots=True)
class Api:
    """`path` is where it is below /v1. `limits` are the fields that limit an answer's tokens,
    `usual` is how many are reserved where none does. `is_asked_for_usage`: a stream tells what it
    has cost only on request. `of_tuned_models`: they answer it too, not only base deployments."""

    path: str
    signs: Signs
    check: Callable[[Body], None]
    pictures: Callable[[Body], list[str]]
    limits: tuple[str, ...] = ()
    usual: int = cost.ANSWER_TOKENS
    answers: Callable[[Body], int] = lambda body: cost.whole(body.get("n")) or 1
    is_asked_for_usage: bool = False
    of_tuned_models: bool = False

    def answer_tokens(self, body: Body) -> int:
        """Tokens that a request allows its answers, or what is usual where it does not say."""
        limits = (cost.whole(body.get(name)) for name in self.limits)
        return next(filter(None, limits), self.usual) * self.answers(body)


def _no_pictures(body: Body) -> list[str]:
    return []


# ---- chat completions


def _check_messages(body: Body) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("The request has no messages.", _how_to_chat(body), param="messages")
    if len(messages) > MAX_MESSAGES:
        raise BadRequest(
            f"The request has {len(messages)} messages; at most {MAX_MESSAGES} are taken.",
            "Leave out old ones.",
            param="messages",
        )
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise BadRequest(
            "A message is not an object with a role.",
            'Send {"role": …, "content": …}.',
            param="messages",
        )


def _how_to_chat(body: Body) -> str:
    if "input" in body:
        return "A request with `input` is one of the Responses API: send it to /v1/responses."
    return 'Send a list of {"role": …, "content": …}.'


def _chat_pictures(body: Body) -> list[str]:
    """The URL of each picture: its data, or an address that the service fetches; empty for what is
    none."""
    given = [
        part["image_url"]
        for message in body["messages"]
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if isinstance(part, dict) and "image_url" in part
    ]
    urls = [picture.get("url") if isinstance(picture, dict) else picture for picture in given]
    return [url if isinstance(url, str) else "" for url in urls]


# ---- responses


def _check_input(body: Body) -> None:
    given = body.get("input")
    if given is None and body.get("prompt") is None:
        fix = 'Send a text, or a list of {"role": …, "content": …}.'
        if "messages" in body:
            fix = "A request with `messages` is a chat: send it to /v1/chat/completions."
        raise BadRequest("The request has no input.", fix, param="input")
    items = [] if given is None or isinstance(given, str) else given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadRequest(
            "`input` is neither a text nor a list of objects.",
            'Send a text, or a list of {"role": …, "content": …}.',
            param="input",
        )


def _response_pictures(body: Body) -> list[str]:
    return [url for part in parts(body.get("input")) if (url := _picture(part)) is not None]


def _picture(part: Body) -> str | None:
    url = part.get("image_url")
    return url if isinstance(url, str) else None


def parts(given: object) -> Iterator[Body]:
    """The parts of messages, and of what tools have answered."""
    for item in given if isinstance(given, list) else []:
        for value in (item.get("content"), item.get("output")):
            parts = value if isinstance(value, list) else [value]
            yield from (part for part in parts if isinstance(part, dict))


# ---- text completions and embeddings


def _check_prompt(body: Body) -> None:
    if body.get("prompt") in (None, []):
        raise BadRequest("The request has no prompt.", "Send a text.", param="prompt")


def _text_answers(body: Body) -> int:
    """Of each prompt so many; tokens and a text count as one prompt."""
    prompt = body.get("prompt")
    several = isinstance(prompt, list) and not all(isinstance(one, int) for one in prompt)
    each = max(cost.whole(body.get(name)) or 1 for name in ("n", "best_of"))
    return each * (len(prompt) if several and isinstance(prompt, list) else 1)


def _check_embedded(body: Body) -> None:
    if body.get("input") in (None, "", []):
        raise BadRequest("The request has no input.", "Send a text, or several.", param="input")


CHAT = Api(
    "chat/completions",
    events.Signs(events.has_choice),
    _check_messages,
    _chat_pictures,
    ("max_completion_tokens", "max_tokens"),
    is_asked_for_usage=True,
    of_tuned_models=True,
)
RESPONSES = Api(
    "responses",
    response_events.Signs(),
    _check_input,
    _response_pictures,
    ("max_output_tokens",),
    answers=lambda body: 1,
    of_tuned_models=True,
)
COMPLETIONS = Api(
    "completions",
    events.Signs(events.has_choice),
    _check_prompt,
    _no_pictures,
    ("max_tokens",),
    COMPLETION_TOKENS,
    answers=_text_answers,
    is_asked_for_usage=True,
)
EMBEDDINGS = Api(
    "embeddings",
    events.Signs(events.has_data),
    _check_embedded,
    _no_pictures,
    usual=0,
    answers=lambda body: 0,
)
