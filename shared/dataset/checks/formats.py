"""What people bring instead of the format: keys and roles of others, each with the cure for it.

Names a format by what gives it away, and converts nothing. Each format is as its own documentation
describes it, read 2026-11: ShareGPT, Alpaca, TRL's preferences, Gemini, the batch API, and
reinforcement fine-tuning.
"""

from typing import NamedTuple

from shared.dataset.reading.examples import Example


class OtherFormat(NamedTuple):
    keys: tuple[str, ...]  # all of them stand in an example of this format
    cure: str


_OTHER_FORMATS = (  # the more they ask for, the earlier they stand
    OtherFormat(
        ("chosen", "rejected"),
        "This is another preference format: write input (with the messages that ask), "
        "preferred_output and non_preferred_output (each with the answer's messages only). "
        "`tunedrop convert` does it.",
    ),
    OtherFormat(
        ("conversations",),
        "This is ShareGPT's format: write role and content for from and value. "
        "`tunedrop convert` does it.",
    ),
    OtherFormat(
        ("contents",),
        "This is Gemini's format: rename contents to messages, write assistant for the role model, "
        "and make the texts of parts one content.",
    ),
    OtherFormat(
        ("instruction",),
        "This is Alpaca's format: make instruction and input a user message, output an assistant "
        "message. `tunedrop convert` does it.",
    ),
    OtherFormat(
        ("body",),
        "This is a request of the batch API: take the messages out of its body, and add the "
        "answer.",
    ),
    OtherFormat(
        ("prompt",),
        "Prompt and completion are the old format: make them a user and an assistant message. "
        "`tunedrop convert` does it.",
    ),
    OtherFormat(
        ("question", "answer"), "Make the question a user message, the answer an assistant message."
    ),
    OtherFormat(("user", "assistant"), "Make each of them a message: its key is the role."),
    OtherFormat(("input", "output"), "Make input a user message, output an assistant message."),
    OtherFormat(
        ("text",),
        "This is text without a conversation, as for pre-training: write what is asked as a user "
        "message, and the answer as an assistant message.",
    ),
)
CURE_OF_FUNCTIONS = (
    "Functions were called so before. Write them as `tools`, function_call as `tool_calls` with an "
    "id, and an answer of the function as a message of the role tool with that tool_call_id. "
    "`tunedrop convert` does it."
)
_ROLES = {  # as others call them → as they are called here
    **dict.fromkeys(("human", "person", "customer"), "user"),
    **dict.fromkeys(("ai", "gpt", "bot", "model", "chatgpt", "chatbot", "agent"), "assistant"),
    **dict.fromkeys(("observation", "tool_response", "tool_result"), "tool"),
}
_MESSAGE_KEYS = {
    **dict.fromkeys(("from", "speaker", "author"), "role"),
    **dict.fromkeys(("value", "text", "message"), "content"),
}
_REQUEST_KEYS = (
    *("model", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "stop"),
    *("stream", "seed", "response_format", "tool_choice", "function_call"),
    *("frequency_penalty", "presence_penalty"),
)


def other_format(example: Example) -> OtherFormat | None:
    """Which format an example without `messages` is in, if it is one of those known here."""
    return next((one for one in _OTHER_FORMATS if all(key in example for key in one.keys)), None)


def role_meant(role: str) -> str | None:
    return _ROLES.get(role.strip().lower()) if len(role) <= 20 else None


def key_meant(key: str) -> str | None:
    """The key of a message that another format writes so."""
    return _MESSAGE_KEYS.get(key)


def cure_of_message_key(key: str) -> str | None:
    if key == "parts":
        return "This is Gemini's way: make the texts of parts one content."
    if meant := key_meant(key):
        way = "This is ShareGPT's way: rename" if key in ("from", "value") else "Rename"
        return f"{way} {key} to {meant}."
    return None


def cure_of_example_key(key: str) -> str | None:
    if key in _REQUEST_KEYS:
        return "It belongs to a chat request, not to an example: remove it."
    if key == "system":
        return "This is Anthropic's way: make it the first message, with the role system."
    return None


def spelled_otherwise(message: Example, key: str) -> bool:
    """Has a message another format's key in place of this one?"""
    if key == "content" and "parts" in message:
        return True
    return any(meant == key and other in message for other, meant in _MESSAGE_KEYS.items())
