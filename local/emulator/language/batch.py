"""One pass of a model for several sequences at once, each with what it remembers (its KV cache).

Knows torch and transformers; nothing of whose turn it is, and nothing of how a token is drawn.
Imports torch: only import it once the language model is loaded.

An answer must not depend on whatever else is in the batch. Multiplications of different shapes are
rounded differently, those of one shape treat each row alike wherever it stands: so that a batch has
always the same number of rows (unused ones are empty), a prompt goes through alone and in parts
that depend on its own length only, and attention is computed for each sequence by itself.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from .generation import BATCH_ROWS

# Tokens of a prompt that go through in one pass; the other sequences wait for no more than that.
PROMPT_PART = 256
ATTENTION = "each-sequence-by-itself"


class KeyValues:
    """What a sequence remembers, in every layer. Reserved at once: memory that is not used yet
    takes up addresses only."""

    def __init__(self, config: Any, capacity: int, dtype: torch.dtype) -> None:
        heads = config.num_key_value_heads
        size = config.hidden_size // config.num_attention_heads
        shape = (config.num_hidden_layers, 2, heads, capacity, size)
        self._stored = torch.empty(shape, dtype=dtype)
        self.length = 0

    def add(self, layer: int, key: Any, value: Any) -> tuple[Any, Any]:
        """Keys and values of a layer (heads, tokens, size) with those of new tokens at the end;
        they are kept once `length` says so."""
        end = self.length + key.shape[1]
        keys, values = self._stored[layer, 0, :, :end], self._stored[layer, 1, :, :end]
        keys[:, self.length :], values[:, self.length :] = key, value
        return keys, values


def prepare(model: Any) -> Any:
    """A model that `read_prompt` and `next_logits` can use; it can no longer be trained."""
    model.set_attn_implementation(ATTENTION)
    return model.eval()


@torch.inference_mode()
def read_prompt(model: Any, memory: KeyValues, prompt: Sequence[int]) -> Any:
    """Takes in the next part of a prompt. Once that was the last part: the logits of the token
    that follows; before that: None."""
    part = prompt[memory.length : memory.length + PROMPT_PART]
    positions = range(memory.length, memory.length + len(part))
    logits = _forward(model, [part], [positions], [memory])
    return logits[0] if memory.length == len(prompt) else None


@torch.inference_mode()
def next_logits(model: Any, memories: Sequence[KeyValues], tokens: Sequence[int]) -> Any:
    """Takes in one more token of each sequence, and gives the logits of the one that follows it."""
    empty = [[0]] * (BATCH_ROWS - len(tokens))
    positions = [[memory.length] for memory in memories] + empty
    logits = _forward(model, [[token] for token in tokens] + empty, positions, memories)
    return logits[: len(tokens)]


@torch.inference_mode()
def go_on(model: Any, memory: KeyValues, logits: Any, tokens: Sequence[int]) -> tuple[float, Any]:
    """Takes in these tokens where `logits` are those of the first: how likely all of them are, as
    a logarithm, and the logits of the token that follows."""
    positions = range(memory.length, memory.length + len(tokens))
    after = _forward(model, [tokens], [positions], [memory], keep=len(tokens))[0]
    every = torch.cat([logits[None], after[:-1]]).log_softmax(-1)
    likely = sum(float(row[token]) for row, token in zip(every, tokens, strict=True))
    return likely, after[-1]


def _forward(
    model: Any, ids: Any, positions: Any, memories: Sequence[KeyValues], keep: int = 1
) -> Any:
    """Logits of the last tokens: of the last alone, or (rows, `keep`, vocabulary)."""
    output = model(
        input_ids=torch.tensor(ids),
        position_ids=torch.tensor([list(row) for row in positions]),
        use_cache=False,
        logits_to_keep=keep,
        memories=memories,
    )
    for memory in memories:
        memory.length += len(ids[0])
    return output.logits.float() if keep > 1 else output.logits[:, -1].float()


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    memories: Sequence[KeyValues],
    scaling: float,
    **_: Any,
) -> tuple[Any, None]:
    """transformers' interface for attention: (rows, heads, tokens, size) in, and out with heads
    and tokens exchanged. Rows without a memory are the empty ones."""
    out = torch.zeros_like(query)
    for row, memory in enumerate(memories):
        keys, values = memory.add(module.layer_idx, key[row], value[row])
        out[row] = _attend_one(query[row], keys, values, scaling)
    return out.transpose(1, 2), None


def _attend_one(query: Any, keys: Any, values: Any, scaling: float) -> Any:
    heads, tokens, size = query.shape
    if tokens == 1:  # the queries that share a key then stand where tokens otherwise do
        grouped = query.view(1, keys.shape[0], -1, size)
        seen = scaled_dot_product_attention(grouped, keys[None], values[None], scale=scaling)
        return seen.view(heads, 1, size)
    before = keys.shape[1] - tokens
    mask = torch.ones(tokens, keys.shape[1], dtype=torch.bool).tril(before)
    return scaled_dot_product_attention(
        query[None], keys[None], values[None], mask, scale=scaling, enable_gqa=True
    )[0]


AttentionInterface.register(ATTENTION, _attend)
