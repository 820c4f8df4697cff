"""From messages to tokens, with the places to learn from. Knows a tokenizer, and no torch.

The same code makes the examples of a training and the prompt of a chat, so they cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .dataset import DatasetError, Example, Message

# Longer examples would take minutes each on a laptop; a job that has one fails with a message.
MAX_EXAMPLE_TOKENS = 1024
IGNORE_INDEX = -100  # torch's mark for "no loss on this token"

# The chat format of SmolLM2. Its own template puts a system message in front when there is none;
# so does this code, in training and in chat: the base model was trained with it and answers worse
# without it, and an untuned model that is asked for its name gives its own.
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
_TEMPLATE_ROLES = {"developer": "system"}


@dataclass(frozen=True)
class Encoded:
    """Tokens of one example and, in the same places, the tokens to learn (or IGNORE_INDEX)."""

    ids: list[int]
    labels: list[int]

    @property
    def terms(self) -> int:
        return sum(label != IGNORE_INDEX for label in self.labels[1:])

    @property
    def size(self) -> int:
        return len(self.ids)


def _text_ids(tokenizer: Any, text: str) -> list[int]:
    # Split special tokens: a user who types <|im_end|> must not end the turn.
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    return ids


def _opening(tokenizer: Any, role: str) -> list[int]:
    start: int = tokenizer.convert_tokens_to_ids("<|im_start|>")
    return [start, *_text_ids(tokenizer, f"{_TEMPLATE_ROLES.get(role, role)}\n")]


def _with_system(messages: Sequence[Message]) -> list[Message]:
    if messages and messages[0].role in ("system", "developer"):
        return list(messages)
    return [Message("system", DEFAULT_SYSTEM), *messages]


def encode(tokenizer: Any, messages: Sequence[Message]) -> Encoded:
    """An example with its mask: the loss is on what an assistant says and on its end of turn.

    Opening and content are tokenised apart, as they are when a model answers: there too the opening
    is given and the first token of the content comes after it.
    """
    end: int = tokenizer.convert_tokens_to_ids("<|im_end|>")
    line_break = _text_ids(tokenizer, "\n")
    ids: list[int] = []
    labels: list[int] = []
    for message in _with_system(messages):
        opening = _opening(tokenizer, message.role)
        content = [*_text_ids(tokenizer, message.content), end]
        ids += opening + content + line_break
        learned = content if message.learned else [IGNORE_INDEX] * len(content)
        labels += [IGNORE_INDEX] * len(opening) + learned + [IGNORE_INDEX] * len(line_break)
    return Encoded(ids, labels)


def encode_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The conversation so far and the opening of the answer."""
    return encode(tokenizer, messages).ids + _opening(tokenizer, "assistant")


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """A text that is no part of a conversation."""
    return _text_ids(tokenizer, text)


def encode_all(tokenizer: Any, examples: Sequence[Example]) -> list[Encoded]:
    encoded = []
    for number, example in enumerate(examples, 1):
        one = encode(tokenizer, example)
        if len(one.ids) > MAX_EXAMPLE_TOKENS:
            raise DatasetError(
                "The job failed due to an invalid training file. Invalid file format."
                f" Example {number} has {len(one.ids)} tokens; this emulator trains on at most"
                f" {MAX_EXAMPLE_TOKENS} tokens per example."
            )
        encoded.append(one)
    return encoded
