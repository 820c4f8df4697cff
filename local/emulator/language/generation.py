"""What is asked of the model for one answer, and what it gives for each token. Imports no torch."""

from dataclasses import dataclass
from typing import Any

from .calls import Calls

# Answers that are generated at a time. A pass for eight takes hardly longer than for one, because
# most of it is reading the weights; more would take more memory.
BATCH_ROWS = 8
CALL_TOKENS = 16  # more than any tokenizer makes of a call's opening


@dataclass(frozen=True)
class SamplingOptions:
    """`top_logprobs`: how many likely tokens to report beside each; None reports no probabilities.
    `schema`: a JSON schema, as JSON, that the answer has to follow, unless it is one of `calls`."""

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    top_logprobs: int | None = None
    schema: str | None = None
    calls: Calls | None = None


@dataclass(frozen=True)
class Piece:
    """What one more token adds to the text, and its probability in the form of the API. `call`: the
    text is that of a call."""

    text: str
    logprob: dict[str, Any] | None = None
    call: bool = False


@dataclass(frozen=True)
class GenerationRequest:
    """One answer that is wanted: of the base model, or of the adapter in that folder."""

    adapter: str | None
    prompt: list[int]
    options: SamplingOptions

    @property
    def size(self) -> int:
        """Tokens that it may have in the end, with its prompt."""
        opening = CALL_TOKENS if self.options.calls else 0
        return len(self.prompt) + opening + self.options.max_tokens


class Overloaded(Exception):
    """As many answers as the process may hold are waiting or being generated."""


class GenerationFailed(Exception):
    """An answer cannot be completed; the message says why, and holds nothing of the prompt."""


class Stopping(GenerationFailed):
    """The process is about to end."""
