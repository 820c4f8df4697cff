"""A text as a vector: the mean of what the last layer makes of its tokens, of length 1.

That is what a model of this kind can honestly give: texts alike are near each other, far less
sharply than with a model that was trained for it. Imports torch: only import it once the language
model is loaded.
"""

from typing import Any

import torch


@torch.inference_mode()
def embed(model: Any, tokens: list[int]) -> list[float]:
    """As many numbers as the model's hidden state has (SmolLM2: 576)."""
    states = model.model(input_ids=torch.tensor([tokens]), use_cache=False).last_hidden_state
    vector = states[0].float().mean(0)
    numbers: list[float] = (vector / vector.norm()).tolist()
    return numbers
