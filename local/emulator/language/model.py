"""The one small model that answers for every model, and its tuned variants. Knows no HTTP.

The weights are in memory once. A tuned model is a copy of the module tree that shares them and adds
its own LoRA layers, so that variants answer side by side and a training never changes a chat.
"""

import copy
import os
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import malloc
from .dataset import Message
from .generation import Piece, SamplingOptions
from .grammar import Grammar
from .weights import model_folder, native_dtype, tokenizer_folder

MODEL_NAMES = {"smollm2": "SmolLM2-135M-Instruct", "tiny": "tiny"}
FINGERPRINTS = {"smollm2": "emulator-smollm2-135m", "tiny": "emulator-tiny"}

# Adapted module trees are cheap (10 to 20 MB each) but not free.
MAX_VARIANTS = 4
# More would only slow each other down on a laptop.
MAX_CONCURRENT_CHATS = 2

TINY_SEED = 7


@dataclass(frozen=True)
class Trainable:
    model: Any
    tokenizer: Any


class LanguageModel:
    """Loads in the background once it is started or needed; everything else waits for that."""

    def __init__(self, model: str, weights: Path, adapters: Path, dtype: str | None = None) -> None:
        self.name, self.fingerprint = MODEL_NAMES[model], FINGERPRINTS[model]
        self._weights, self.adapters, self._dtype = weights, adapters, dtype
        self._loaded, self._started = threading.Event(), threading.Lock()
        self.failure: str | None = None
        self._base: Any = None
        self._tokenizer: Any = None
        self._variants: OrderedDict[str, Any] = OrderedDict()
        self._variants_lock = threading.Lock()
        self._grammar: Grammar | None = None
        self._chats = threading.Semaphore(MAX_CONCURRENT_CHATS)

    def start(self) -> None:
        if self._started.acquire(blocking=False):
            threading.Thread(target=self._load, name="load-model", daemon=True).start()

    @property
    def ready(self) -> bool:
        return self._loaded.is_set() and self.failure is None

    # ---- for the other modules ---------------------------------------------------------------

    def wait(self) -> None:
        """Until loading has ended, with the model or with a failure. Only after that may another
        thread import torch and transformers: transformers imports its parts lazily, and two threads
        at once leave it half-imported."""
        self.start()
        self._loaded.wait()

    def require(self) -> None:
        self.wait()
        if self.failure:
            raise RuntimeError(f"The language model could not be loaded: {self.failure}")

    def trainable(self) -> Trainable:
        self.require()
        return Trainable(_sharing_copy(self._base), self._tokenizer)

    def prompt(self, messages: list[Message]) -> list[int]:
        self.require()
        from .encoding import encode_prompt

        return encode_prompt(self._tokenizer, messages)

    @property
    def context_length(self) -> int:
        self.require()
        return int(self._base.config.max_position_embeddings)

    def generate(
        self, adapter: str | None, prompt: list[int], options: SamplingOptions
    ) -> Iterator[Piece]:
        """The answer, piece by piece; each piece is what one more token adds to the text.

        Ends early when the model ends its turn. The caller sees that by counting the pieces: every
        token gives one (an empty one when it is half a character).
        """
        self.require()
        from .sampling import sample

        model = self._base if adapter is None else self._variant(adapter)
        follower = None
        if options.schema is not None:
            follower = self._read_grammar().follow(options.schema, options.max_tokens)
        sent = ""
        with self._chats:
            for text, token, logprobs in sample(model, self._tokenizer, prompt, options, follower):
                # A character may take several tokens; until it is whole it shows as U+FFFD.
                whole = text.rstrip("\ufffd")
                yield Piece(whole[len(sent) :], self._shown(token, logprobs))
                sent = whole

    # ---- inside ------------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            self._tokenizer, self._base = _load(self.name, self._weights, self._dtype)
        except Exception as error:  # noqa: BLE001 - /_emulator/health and every later call report it
            traceback.print_exc(file=sys.stderr)
            self.failure = f"{type(error).__name__}: {error}"
        self._loaded.set()

    def _shown(self, token: int, logprobs: Any) -> dict[str, Any] | None:
        """A token's log-probability and its rivals', as OpenAI's API shows them."""
        if logprobs is None:
            return None
        own, rivals = logprobs
        return {**self._named(token, own), "top_logprobs": [self._named(*one) for one in rivals]}

    def _named(self, token: int, logprob: float) -> dict[str, Any]:
        text: str = self._tokenizer.decode([token])
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    def _read_grammar(self) -> Grammar:
        with self._variants_lock:
            if self._grammar is None:
                self._grammar = Grammar(self._tokenizer)
            return self._grammar

    def clear_variants(self) -> None:
        with self._variants_lock:
            self._variants.clear()

    def _variant(self, adapter: str) -> Any:
        import peft

        with self._variants_lock:
            if adapter not in self._variants:
                # In the base's own numbers: half the memory, and nothing is cast for each token.
                tuned = peft.PeftModel.from_pretrained(
                    _sharing_copy(self._base), self.adapters / adapter, autocast_adapter_dtype=False
                )
                self._variants[adapter] = tuned.eval()
            self._variants.move_to_end(adapter)
            while len(self._variants) > MAX_VARIANTS:
                self._variants.popitem(last=False)
            return self._variants[adapter]


def _sharing_copy(model: Any) -> Any:
    """A copy of the module tree around the very same (frozen) parameters."""
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


def _load(name: str, weights: Path, dtype: str | None) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from . import lora, sampling, training  # noqa: F401 - imported here, for the reason given at LanguageModel.wait

    malloc.configure()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(os.cpu_count() or 1, 8))
    tokenizer: Any = AutoTokenizer.from_pretrained(tokenizer_folder(weights))
    if name == "tiny":
        model = _tiny(len(tokenizer))
    else:
        dtype = dtype or native_dtype()
        model = AutoModelForCausalLM.from_pretrained(model_folder(weights, dtype), dtype=dtype)
    model.requires_grad_(False)
    return tokenizer, model.eval()


def _tiny(vocabulary: int) -> Any:
    """A model of the same kind that has learned nothing, for tests of the mechanics."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(TINY_SEED)
        return LlamaForCausalLM(config)
