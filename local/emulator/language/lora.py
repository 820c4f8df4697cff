"""LoRA adapters on a model: new ones, or those of a tuned model. Knows no training."""

import threading
from pathlib import Path
from typing import Any

import peft
import torch
from peft.tuners.lora import LoraLayer

RANK = 16
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
_seeding = threading.Lock()


def add_lora(model: Any, seed: int, parent: Path | None = None) -> Any:
    """The model with adapters on attention and MLP, new or a tuned model's; the rest is frozen.

    Adapters are float32 whatever the base is, for small steps must not be rounded away.
    """
    tuned: Any = _with_adapters(model, seed, parent)
    for module in tuned.modules():
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False  # autocast does it, and keeps half as much
    return tuned


def adapter_weights(tuned: Any) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """All that is learned: the first matrix of each adapter, and the second."""
    learned = {name: one for name, one in tuned.named_parameters() if one.requires_grad}
    down = [one for name, one in learned.items() if "lora_A" in name]
    return down, [one for name, one in learned.items() if "lora_B" in name]


def _with_adapters(model: Any, seed: int, parent: Path | None) -> Any:
    if parent is not None:
        return peft.PeftModel.from_pretrained(model, parent, is_trainable=True)
    config = peft.LoraConfig(
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules=[*ATTENTION, *MLP],
        task_type=peft.TaskType.CAUSAL_LM,
    )
    # Forked, because chat goes on in other threads and must not be made repeatable by accident;
    # one at a time, because there is only one generator to fork.
    with _seeding, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return peft.get_peft_model(model, config)
