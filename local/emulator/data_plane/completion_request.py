"""What a request for completions may contain, and with which message the rest is refused. Pure."""

from dataclasses import dataclass
from typing import Any

from ..language.generation import SamplingOptions
from .chat_request import MAX_CHOICES, MOST_TOKENS, stops_of
from .parameters import MAX_SEED, bad, flag, number, required, unknown, unsupported, whole

DEFAULT_MAX_TOKENS, MAX_LOGPROBS, MAX_PROMPTS = 16, 5, 20  # S-OAI; the last is S-DOC's
SUPPORTED = {
    "model", "prompt", "max_tokens", "temperature", "top_p", "n", "stream", "stream_options",
    "logprobs", "stop", "presence_penalty", "frequency_penalty", "seed", "user",
}  # fmt: skip
# What the small model does not do, unless it is asked for with a value that means "no".
UNSUPPORTED = {"echo", "suffix", "best_of", "logit_bias"}


@dataclass(frozen=True)
class CompletionRequest:
    """`each`: how many answers to each prompt."""

    prompts: list[str]
    each: int
    sampling: SamplingOptions
    stops: tuple[str, ...]
    stream: bool
    include_usage: bool


def parse(body: dict[str, Any]) -> CompletionRequest:
    each = whole(body, "n", 1, MAX_CHOICES) or 1
    for name, value in body.items():
        if name in UNSUPPORTED and value and (name, value) != ("best_of", each):
            raise unsupported(name)
        if name not in SUPPORTED | UNSUPPORTED:
            raise unknown(name)
    options = body.get("stream_options") or {}
    return CompletionRequest(
        prompts=_prompts(body.get("prompt")),
        each=each,
        sampling=_sampling(body),
        stops=stops_of(body.get("stop")),
        stream=flag(body, "stream"),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _prompts(given: Any) -> list[str]:
    if given is None:
        raise required("prompt")
    prompts = given if isinstance(given, list) else [given]
    # An empty one has no token to go on from; the service's models have one for that.
    if not 0 < len(prompts) <= MAX_PROMPTS or not all(
        isinstance(prompt, str) and prompt for prompt in prompts
    ):
        raise bad("prompt", f"must be a string that is not empty, or 1 to {MAX_PROMPTS} of them.")
    return prompts


def _sampling(body: dict[str, Any]) -> SamplingOptions:
    return SamplingOptions(
        max_tokens=whole(body, "max_tokens", 1, MOST_TOKENS) or DEFAULT_MAX_TOKENS,
        temperature=number(body, "temperature", 0, 2),
        top_p=number(body, "top_p", 0, 1),
        seed=whole(body, "seed", -MAX_SEED - 1, MAX_SEED),
        presence_penalty=number(body, "presence_penalty", -2, 2) or 0.0,
        frequency_penalty=number(body, "frequency_penalty", -2, 2) or 0.0,
        top_logprobs=whole(body, "logprobs", 0, MAX_LOGPROBS),
    )
