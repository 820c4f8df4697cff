"""One answer while it is generated: its prompt, whether it is a call, its memory, its text so far.

Imports torch: only import it once the language model is loaded.
"""

from collections.abc import Callable
from typing import Any

from . import batch
from .call_format import CALL_OPENING
from .encoding import encode_text
from .generation import GenerationRequest, Piece
from .grammar import Follower
from .sampling import Sampler


class Sequence:
    """`model` is one that was prepared for batches; it stays in memory as long as this does.
    `follower`: what the answer is held to; `calling`: what a call is held to."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        request: GenerationRequest,
        follower: Follower | None,
        calling: Callable[[], Follower],
    ) -> None:
        self.model, self._tokenizer, self._request = model, tokenizer, request
        self.memory = batch.KeyValues(model.config, request.size, model.dtype)
        self._sampler = Sampler(model.config.vocab_size, request.options, follower)
        self._calling, self._is_call = calling, False
        self._undecoded: list[int] = []
        self._tokens, self.last = 0, 0

    @property
    def reading(self) -> bool:
        """Whether a part of the prompt has yet to be read."""
        return self.memory.length < len(self._request.prompt)

    @property
    def finished(self) -> bool:
        return self._tokens >= self._request.options.max_tokens or self._sampler.finished

    def read(self) -> tuple[int, Any]:
        before = self.memory.length
        logits = batch.read_prompt(self.model, self.memory, self._request.prompt)
        read = self.memory.length - before
        if logits is not None and self._request.options.calls:
            logits = self._decided(logits, self._request.options.calls.least)
        return read, logits

    def _decided(self, logits: Any, least: float) -> Any:
        """Opens a call, if the model finds that likely enough, or else has read nothing of it and
        does not begin with one: what is no call shall not look like one."""
        before, opening = self.memory.length, encode_text(self._tokenizer, CALL_OPENING)
        likely, after = batch.go_on(self.model, self.memory, logits, opening)
        if likely < least:
            self.memory.length = before
            self._sampler.forbid_first(opening[0])
            return logits
        self._is_call = True
        self._sampler.follow(self._calling())
        return after

    def draw(self, logits: Any) -> Piece | None:
        """Every token gives a piece (an empty one when it is half a character); the end of the turn
        gives None."""
        token, logprobs = self._sampler.draw(logits)
        if token == self._tokenizer.eos_token_id:
            return None
        self._tokens, self.last = self._tokens + 1, token
        text = self._decoded(token)
        self._sampler.accept(token, text)
        return Piece(text, self._shown(token, logprobs), self._is_call)

    def _decoded(self, token: int) -> str:
        """What the token adds. A character may take several tokens; until it is whole it shows as
        U+FFFD, and what is whole need not be decoded again."""
        self._undecoded.append(token)
        text: str = self._tokenizer.decode(self._undecoded, skip_special_tokens=True)
        if text.endswith("\ufffd"):
            return ""
        self._undecoded.clear()
        return text

    def _shown(self, token: int, logprobs: Any) -> dict[str, Any] | None:
        """A token's log-probability and its rivals', as OpenAI's API shows them."""
        if logprobs is None:
            return None
        own, rivals = logprobs
        return {**self._named(token, own), "top_logprobs": [self._named(*one) for one in rivals]}

    def _named(self, token: int, logprob: float) -> dict[str, Any]:
        text: str = self._tokenizer.decode([token])
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def advance(sequences: list[Sequence]) -> Any:
    """The next logits of sequences of one model, in one pass."""
    memories = [sequence.memory for sequence in sequences]
    return batch.next_logits(sequences[0].model, memories, [one.last for one in sequences])
