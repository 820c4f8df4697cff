"""The one small model that answers for every model, and its tuned variants. Knows no HTTP.

The weights are in memory once. A tuned model is a copy of the module tree that shares them and adds
its own LoRA layers, so that variants answer side by side and a training never changes a chat.
"""

import asyncio
import copy
import os
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Sequence as SequenceOf
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import malloc
from .answer_queue import AnswerQueue
from .dataset import Message
from .generation import BATCH_ROWS, GenerationRequest
from .grammar import Follower, Grammar
from .scheduler import MODELS_AT_ONCE, Scheduler, Steps
from .weights import model_folder, native_dtype, tokenizer_folder

MODEL_NAMES = {"smollm2": "SmolLM2-135M-Instruct", "tiny": "tiny"}
FINGERPRINTS = {"smollm2": "emulator-smollm2-135m", "tiny": "emulator-tiny"}

# Adapted module trees are cheap (10 to 20 MB each) but not free.
MAX_VARIANTS = MODELS_AT_ONCE

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
        # A tokenizer cannot be used by two threads at a time: one for prompts, one for answers.
        self._tokenizer: Any = None
        self._decoder: Any = None
        self._serving: Any = None
        self._variants: OrderedDict[str, Any] = OrderedDict()
        self._variants_lock = threading.Lock()
        self._grammar: Grammar | None = None
        # One thread, because a tokenizer cannot be used by two; and one of its own, because it
        # waits for the model, for which no other call may have to wait.
        self._prompts = ThreadPoolExecutor(1, "prompts")
        self._embeddings = ThreadPoolExecutor(1, "embeddings")
        self._scheduler = Scheduler(self._steps(), BATCH_ROWS)

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
        return Trainable(_sharing_copy(self._base), copy.deepcopy(self._decoder))

    async def prompt(self, messages: list[Message]) -> list[int]:
        """Waits for the model, if it is not in memory yet."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._prompts, self._encode, messages)

    async def text_tokens(self, text: str) -> list[int]:
        """Of a text as it stands, with no conversation around it. Waits for the model, too."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._prompts, self._encode_text, text)

    async def embed(self, tokens: list[int]) -> list[float]:
        """See `embedding`; one text at a time, in a thread of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._embeddings, self._embed, tokens)

    @property
    def context_length(self) -> int:
        self.require()
        return int(self._base.config.max_position_embeddings)

    def generate(self, requests: SequenceOf[GenerationRequest], limit: int) -> AnswerQueue:
        """The choices of one answer, as they are generated. A choice ends early when the model ends
        its turn; the caller sees that by counting the pieces, of which every token gives one.

        Raises Overloaded if the process would hold more than `limit` answers, and Stopping.
        """
        queue = AnswerQueue(len(requests))
        self._scheduler.submit(requests, queue, limit)
        return queue

    def load(self) -> dict[str, int]:
        """How many answers are being generated, and how many wait for that."""
        return self._scheduler.load()

    def stop_at(self, stopping: threading.Event) -> None:
        """Answers end, and new ones are refused, once this is set."""
        self._scheduler.stopping = stopping

    def stop(self) -> None:
        self._scheduler.stop()
        for pool in (self._prompts, self._embeddings):
            pool.shutdown(wait=False, cancel_futures=True)

    # ---- inside ------------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            self._tokenizer, self._base = _load(self.name, self._weights, self._dtype)
            from .batch import prepare

            self._decoder = copy.deepcopy(self._tokenizer)
            self._serving = prepare(_sharing_copy(self._base))
        except Exception as error:  # noqa: BLE001 - /_emulator/health and every later call report it
            traceback.print_exc(file=sys.stderr)
            self.failure = f"{type(error).__name__}: {error}"
        self._loaded.set()

    def _encode(self, messages: list[Message]) -> list[int]:
        self.require()
        from .encoding import encode_prompt

        return encode_prompt(self._tokenizer, messages)

    def _encode_text(self, text: str) -> list[int]:
        self.require()
        from .encoding import encode_text

        return encode_text(self._tokenizer, text)

    def _embed(self, tokens: list[int]) -> list[float]:
        self.require()
        from .embedding import embed

        return embed(self._base, tokens)

    def _steps(self) -> Steps:
        def advance(sequences: SequenceOf[Any]) -> Any:
            from .sequence import advance

            return advance(list(sequences))

        return Steps(
            begin=self._begin,
            read=lambda sequence: sequence.read(),
            advance=advance,
            draw=lambda sequence, logits: sequence.draw(logits),
        )

    def _begin(self, request: GenerationRequest) -> Any:
        from .sequence import Sequence

        model = self._serving if request.adapter is None else self._variant(request.adapter)
        follower, options = None, request.options
        if options.schema is not None:
            follower = self._read_grammar().follow(options.schema, options.max_tokens)

        def calling() -> Follower:
            functions = options.calls.functions if options.calls else ()
            return self._read_grammar().follow_calls(functions, options.max_tokens)

        return Sequence(model, self._decoder, request, follower, calling)

    def _read_grammar(self) -> Grammar:
        with self._variants_lock:
            if self._grammar is None:
                self._grammar = Grammar(self._decoder)
            return self._grammar

    def clear_variants(self) -> None:
        with self._variants_lock:
            self._variants.clear()

    def _variant(self, adapter: str) -> Any:
        import peft

        from .batch import prepare

        with self._variants_lock:
            if adapter not in self._variants:
                # In the base's own numbers: half the memory, and nothing is cast for each token.
                tuned = peft.PeftModel.from_pretrained(
                    _sharing_copy(self._base), self.adapters / adapter, autocast_adapter_dtype=False
                )
                # The adapter's layers stand in the base's tree; peft's own wrapper is not needed.
                self._variants[adapter] = prepare(tuned.get_base_model())
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

    from . import batch, embedding, lora, sampling, sequence, training  # noqa: F401 - imported here, for the reason given at LanguageModel.wait

    malloc.configure()
    if "OMP_NUM_THREADS" not in os.environ:
        # The tiny model's matrices are too small to be worth dividing.
        torch.set_num_threads(1 if name == "tiny" else min(os.cpu_count() or 1, 8))
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
