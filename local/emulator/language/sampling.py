"""Draws one token after another from logits. Knows torch, and nothing of models or of chats.

Imports torch: only import it once the language model is loaded.
"""

from typing import Any

import numpy as np
import torch

from .generation import SamplingOptions
from .grammar import Follower

# What a caller gets who asks for no particular sampling. Azure's default of 1.0 makes a model of
# this size ramble; nearly greedy is where it answers best.
DEFAULT_TEMPERATURE, DEFAULT_TOP_P = 0.2, 0.9

# A token's log-probability, and the tokens beside it with theirs.
TokenLogprobs = tuple[float, list[tuple[int, float]]] | None


class Sampler:
    """Of one answer: the same seed draws the same tokens, whatever else is generated meanwhile."""

    def __init__(
        self, vocabulary: int, options: SamplingOptions, follower: Follower | None
    ) -> None:
        self._options, self._follower, self._text = options, follower, ""
        self._forbidden: int | None = None
        self._counts = torch.zeros(vocabulary) if _has_penalty(options) else None
        given, top_p = options.temperature, options.top_p
        self._temperature = DEFAULT_TEMPERATURE if given is None else given
        self._top_p = top_p or (DEFAULT_TOP_P if given is None else 1.0)
        self._random = torch.Generator()
        if options.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(options.seed)

    def follow(self, follower: Follower) -> None:
        """From now on; before the first token."""
        self._follower = follower

    def forbid_first(self, token: int) -> None:
        """The answer does not begin with it."""
        self._forbidden = token

    @property
    def finished(self) -> bool:
        """Whether the schema allows nothing more."""
        return self._follower is not None and self._follower.finished

    @torch.inference_mode()
    def draw(self, logits: Any) -> tuple[int, TokenLogprobs]:
        """A token and how likely it was, among the model's own logits."""
        token = _choose(self._restricted(logits), self._temperature, self._top_p, self._random)
        return token, _logprobs(logits, token, self._options.top_logprobs)

    def accept(self, token: int, text: str) -> None:
        """The token becomes a part of the answer, to which it adds the text."""
        self._forbidden = None
        if self._counts is not None:
            self._counts[token] += 1
        if self._follower:
            self._text += text
            self._follower.accept(token)

    def _restricted(self, logits: Any) -> Any:
        """The logits after the penalties, and without the tokens that may not come."""
        if self._forbidden is not None:
            logits = logits.clone()
            logits[self._forbidden] = float("-inf")
        if self._counts is not None:
            logits = logits - self._options.presence_penalty * (self._counts > 0)
            logits = logits - self._options.frequency_penalty * self._counts
        if self._follower is None:
            return logits
        allowed = torch.frombuffer(bytearray(self._follower.allowed(self._text)), dtype=torch.uint8)
        return logits.masked_fill(allowed == 0, float("-inf"))


def _has_penalty(options: SamplingOptions) -> bool:
    return bool(options.presence_penalty or options.frequency_penalty)


def _logprobs(logits: Any, token: int, count: int | None) -> TokenLogprobs:
    if count is None:
        return None
    logprobs = torch.log_softmax(logits, -1)
    best = logprobs.topk(count) if count else None
    rivals = zip(best.indices.tolist(), best.values.tolist(), strict=True) if best else []
    return float(logprobs[token]), list(rivals)


def _choose(logits: Any, temperature: float, top_p: float, random: Any) -> int:
    if temperature == 0:
        return int(logits.argmax())
    # numpy sorts all tokens in a tenth of the time that torch takes: less than a pass of the model.
    chances = torch.softmax(logits / temperature, -1).numpy()
    if top_p < 1:
        chances = np.where(chances >= _least(chances, top_p), chances, 0)
    sums = chances.cumsum(dtype=np.float64)
    drawn = float(torch.rand(1, dtype=torch.double, generator=random)) * sums[-1]
    return min(int(sums.searchsorted(drawn, side="right")), len(sums) - 1)


def _least(chances: Any, top_p: float) -> float:
    """The chance from which on tokens belong to the smallest set that reaches top_p together."""
    likeliest = np.sort(chances)[::-1]
    last = int(likeliest.cumsum(dtype=np.float64).searchsorted(top_p))
    return float(likeliest[min(last, len(likeliest) - 1)])
