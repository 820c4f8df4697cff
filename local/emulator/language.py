"""The one small model that answers for every model, and its tuned variants. Knows no HTTP.

The weights are in memory once. A tuned model is a copy of the module tree that shares them and adds
its own LoRA layers, so variants never have to take turns and a training never disturbs a chat.
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

from . import memory
from .dataset import Message
from .weights import model_folder, native_dtype, tokenizer_folder

MODEL_NAMES = {"smollm2": "SmolLM2-135M-Instruct", "tiny": "tiny"}
FINGERPRINTS = {"smollm2": "emulator-smollm2-135m", "tiny": "emulator-tiny"}

# Adapted module trees are cheap (10 to 20 MB each) but not free.
KEPT_VARIANTS = 8
# More would only slow each other down on a laptop.
CHATS_AT_ONCE = 2

# What a caller gets who asks for no particular sampling. Azure's default of 1.0 makes a model of
# this size ramble; nearly greedy is where it answers best.
DEFAULT_TEMPERATURE, DEFAULT_TOP_P = 0.2, 0.9
TINY_SEED = 7


@dataclass(frozen=True)
class Sampling:
    """`alternatives`: how many likely tokens to tell beside each; None tells no probabilities."""

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    alternatives: int | None = None


@dataclass(frozen=True)
class Piece:
    """What one more token adds to the text, and how likely it was (in the words of the API)."""

    text: str
    logprob: dict[str, Any] | None = None


@dataclass(frozen=True)
class Trainable:
    model: Any
    tokenizer: Any


class Language:
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
        self._chats = threading.Semaphore(CHATS_AT_ONCE)

    def start(self) -> None:
        if self._started.acquire(blocking=False):
            threading.Thread(target=self._load, name="load-model", daemon=True).start()

    @property
    def ready(self) -> bool:
        return self._loaded.is_set() and self.failure is None

    # ---- for the other rooms -----------------------------------------------------------------

    def wait(self) -> None:
        """Until loading is over, well or badly. Only after that may anybody else import torch and
        its relatives: transformers fills itself lazily and cannot bear two threads at once."""
        self.start()
        self._loaded.wait()

    def require(self) -> None:
        self.wait()
        if self.failure:
            raise RuntimeError(f"The language model could not be loaded: {self.failure}")

    def trainable(self) -> Trainable:
        self.require()
        return Trainable(_twin(self._base), self._tokenizer)

    def prompt(self, messages: list[Message]) -> list[int]:
        self.require()
        from .encoding import encode_prompt

        return encode_prompt(self._tokenizer, messages)

    @property
    def context_length(self) -> int:
        self.require()
        return int(self._base.config.max_position_embeddings)

    def generate(self, adapter: str | None, prompt: list[int], wanted: Sampling) -> Iterator[Piece]:
        """The answer, piece by piece; each piece is what one more token adds to the text.

        Ends early when the model ends its turn; whoever reads can tell by counting the pieces,
        since every token gives one (an empty one when it is half a character).
        """
        self.require()
        model = self._base if adapter is None else self._variant(adapter)
        ids: list[int] = []
        said = ""
        with self._chats:
            for token, likely in _sample(model, prompt, wanted, self._tokenizer.eos_token_id):
                ids.append(token)
                text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
                # A character may take several tokens; until it is whole it shows as U+FFFD.
                whole = text.rstrip("\ufffd")
                yield Piece(whole[len(said) :], self._told(token, likely))
                said = whole

    # ---- inside ------------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            self._tokenizer, self._base = _load(self.name, self._weights, self._dtype)
        except Exception as error:  # noqa: BLE001 - /_emulator/health and every later caller hear of it
            traceback.print_exc(file=sys.stderr)
            self.failure = f"{type(error).__name__}: {error}"
        self._loaded.set()

    def _told(self, token: int, likely: Any) -> dict[str, Any] | None:
        """A token's log-probability and its rivals', as OpenAI's API shows them."""
        if likely is None:
            return None
        own, rivals = likely
        return {**self._named(token, own), "top_logprobs": [self._named(*one) for one in rivals]}

    def _named(self, token: int, logprob: float) -> dict[str, Any]:
        text: str = self._tokenizer.decode([token])
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    def forget(self) -> None:
        with self._variants_lock:
            self._variants.clear()

    def _variant(self, adapter: str) -> Any:
        import peft

        with self._variants_lock:
            if adapter not in self._variants:
                # In the base's own numbers: half the memory, and nothing is cast for each token.
                tuned = peft.PeftModel.from_pretrained(
                    _twin(self._base), self.adapters / adapter, autocast_adapter_dtype=False
                )
                self._variants[adapter] = tuned.eval()
            self._variants.move_to_end(adapter)
            while len(self._variants) > KEPT_VARIANTS:
                self._variants.popitem(last=False)
            return self._variants[adapter]


def _twin(model: Any) -> Any:
    """A copy of the module tree around the very same (frozen) parameters."""
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


def _load(name: str, weights: Path, dtype: str | None) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from . import training  # noqa: F401 - imported here, for the reason given at Language.wait

    memory.prepare()
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


Likely = tuple[float, list[tuple[int, float]]] | None


def _sample(
    model: Any, prompt: list[int], wanted: Sampling, end: int
) -> Iterator[tuple[int, Likely]]:
    """Token after token, until the end of the turn or `max_tokens`; the end itself is not given.

    Inference mode is entered for each step and not around the loop: between two tokens the caller
    runs, possibly on another thread.
    """
    import torch
    from transformers import DynamicCache

    temperature = DEFAULT_TEMPERATURE if wanted.temperature is None else wanted.temperature
    top_p = wanted.top_p or (DEFAULT_TOP_P if wanted.temperature is None else 1.0)
    generator = torch.Generator()
    if wanted.seed is None:
        generator.seed()
    else:
        generator.manual_seed(wanted.seed)
    cache = DynamicCache(config=model.config)
    fed, said = prompt, torch.zeros(model.config.vocab_size)
    for _ in range(wanted.max_tokens):
        with torch.inference_mode():
            output = model(input_ids=torch.tensor([fed]), past_key_values=cache, logits_to_keep=1)
            raw = output.logits[0, -1].float()
            logits = raw - wanted.presence_penalty * (said > 0) - wanted.frequency_penalty * said
            token = _choose(logits, temperature, top_p, generator)
        if token == end:
            return
        said[token] += 1
        yield token, _likely(raw, token, wanted.alternatives)
        fed = [token]


def _likely(logits: Any, token: int, alternatives: int | None) -> Likely:
    if alternatives is None:
        return None
    import torch

    with torch.inference_mode():
        logprobs = torch.log_softmax(logits, -1)
        best = logprobs.topk(alternatives) if alternatives else None
    rivals = zip(best.indices.tolist(), best.values.tolist(), strict=True) if best else []
    return float(logprobs[token]), list(rivals)


def _choose(logits: Any, temperature: float, top_p: float, generator: Any) -> int:
    import torch

    if temperature == 0:
        return int(logits.argmax())
    chances, tokens = torch.softmax(logits / temperature, -1).sort(descending=True)
    # The smallest set of likeliest tokens that together reach top_p; always the first.
    chances[chances.cumsum(-1) - chances >= top_p] = 0.0
    return int(tokens[torch.multinomial(chances, 1, generator=generator)])
