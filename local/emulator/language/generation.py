"""What is asked of the model for one answer, and what it gives for each token. Imports no torch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SamplingOptions:
    """`top_logprobs`: how many likely tokens to report beside each; None reports no probabilities.
    `schema`: a JSON schema, as JSON, that the answer has to follow."""

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    top_logprobs: int | None = None
    schema: str | None = None


@dataclass(frozen=True)
class Piece:
    """What one more token adds to the text, and its probability in the form of the API."""

    text: str
    logprob: dict[str, Any] | None = None
