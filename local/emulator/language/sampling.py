"""Draws one token after another from a model. Knows torch, and nothing of chats.

Imports torch: only import it once the language model is loaded.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from transformers import DynamicCache

from .generation import SamplingOptions
from .grammar import Follower

# What a caller gets who asks for no particular sampling. Azure's default of 1.0 makes a model of
# this size ramble; nearly greedy is where it answers best.
DEFAULT_TEMPERATURE, DEFAULT_TOP_P = 0.2, 0.9

# A token's log-probability, and the tokens beside it with theirs.
TokenLogprobs = tuple[float, list[tuple[int, float]]] | None


def sample(
    model: Any,
    tokenizer: Any,
    prompt: list[int],
    options: SamplingOptions,
    follower: Follower | None,
) -> Iterator[tuple[str, int, TokenLogprobs]]:
    """The text so far, its last token and how likely that was; until the end of the turn or
    `max_tokens`. The end itself is not given.

    Inference mode is entered for each step and not around the loop: between two tokens the caller
    runs, possibly on another thread.
    """
    choose = _chooser(options)
    cache = DynamicCache(config=model.config)
    fed, counts = prompt, torch.zeros(model.config.vocab_size)
    ids: list[int] = []
    text = ""
    for _ in range(options.max_tokens):
        with torch.inference_mode():
            output = model(input_ids=torch.tensor([fed]), past_key_values=cache, logits_to_keep=1)
            raw = output.logits[0, -1].float()
            token = choose(_restricted(raw, counts, options, follower, text))
        if token == tokenizer.eos_token_id:
            return
        counts[token] += 1
        ids.append(token)
        text = tokenizer.decode(ids, skip_special_tokens=True)
        yield text, token, _logprobs(raw, token, options.top_logprobs)
        fed = [token]
        if follower:
            follower.accept(token)
            if follower.finished:
                return


def _restricted(
    raw: Any, counts: Any, options: SamplingOptions, follower: Follower | None, text: str
) -> Any:
    """The logits after the penalties, and without the tokens that the schema does not allow."""
    logits = raw - options.presence_penalty * (counts > 0) - options.frequency_penalty * counts
    if follower is None:
        return logits
    allowed = torch.frombuffer(bytearray(follower.allowed(text)), dtype=torch.uint8)
    return logits.masked_fill(allowed == 0, float("-inf"))


def _chooser(options: SamplingOptions) -> Callable[[Any], int]:
    """Draws a token from logits; the same seed draws the same tokens."""
    temperature = DEFAULT_TEMPERATURE if options.temperature is None else options.temperature
    top_p = options.top_p or (DEFAULT_TOP_P if options.temperature is None else 1.0)
    generator = torch.Generator()
    if options.seed is None:
        generator.seed()
    else:
        generator.manual_seed(options.seed)
    return lambda logits: _choose(logits, temperature, top_p, generator)


def _logprobs(logits: Any, token: int, count: int | None) -> TokenLogprobs:
    if count is None:
        return None
    with torch.inference_mode():
        logprobs = torch.log_softmax(logits, -1)
        best = logprobs.topk(count) if count else None
    rivals = zip(best.indices.tolist(), best.values.tolist(), strict=True) if best else []
    return float(logprobs[token]), list(rivals)


def _choose(logits: Any, temperature: float, top_p: float, generator: Any) -> int:
    if temperature == 0:
        return int(logits.argmax())
    chances, tokens = torch.softmax(logits / temperature, -1).sort(descending=True)
    # The smallest set of likeliest tokens that together reach top_p; always the first.
    chances[chances.cumsum(-1) - chances >= top_p] = 0.0
    return int(tokens[torch.multinomial(chances, 1, generator=generator)])
