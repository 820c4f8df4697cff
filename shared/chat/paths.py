"""What a path asks for, however a client has built it from its base address.

Clients append `/v1` to an address that has it, put the deployment into the path, or take the whole
address of a chat for the base. Only the end of a path decides. Knows no requests and no models.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from shared.errors import CallerError
from shared.printable import shown

CHAT, MODELS, FEEDBACK = ("chat", "completions"), ("models",), ("feedback",)
BASES = {"api", "openai", "v1"}  # what a base address may end with, in any order and number
DEPLOYMENTS = {"deployments", "engines"}  # Azure OpenAI's word, and OpenAI's first one
RESPONSES, COMPLETIONS, EMBEDDINGS = ("responses",), ("completions",), ("embeddings",)
OFFERED = (
    "POST chat/completions, responses, embeddings, completions and feedback, GET models and "
    "models/NAME"
)


class Operation(StrEnum):
    COMPLETE = "POST"
    RESPOND = "POST response"
    COMPLETE_TEXT = "POST prompt"
    EMBED = "POST texts"
    MODELS = "GET"
    MODEL = "GET one"
    RATE = "POST rating"


@dataclass(frozen=True, slots=True)
class Target:
    """`model` is the name that the path has, where it has one."""

    operation: Operation
    model: str | None = None

    @property
    def method(self) -> str:
        return self.operation.value.split()[0]


_POSTED = {
    RESPONSES: Operation.RESPOND,
    COMPLETIONS: Operation.COMPLETE_TEXT,
    EMBEDDINGS: Operation.EMBED,
}


class NoSuchOperation(CallerError):
    """Nothing is there for this path, or for this method of it: then `allow` has the others."""

    def __init__(self, message: str, fix: str, allow: str | None = None) -> None:
        super().__init__(message, fix)
        self.allow = allow


def find(method: str, path: str) -> Target:
    """The operation for a path below the app's prefix. Raises NoSuchOperation."""
    target = target_of(path)
    address = f"{shown(method, 10)} {shown('/' + path.strip('/'), 100)}"
    if target is None:
        raise NoSuchOperation(f"There is no {address}.", f"The chat has {OFFERED}.")
    if ("GET" if method == "HEAD" else method) != target.method:
        raise NoSuchOperation(
            f"There is no {address}: it takes {target.method}.",
            f"The chat has {OFFERED}.",
            target.method,
        )
    return target


def target_of(path: str) -> Target | None:
    """What is at a path, by whatever method. A query that a client has escaped is none of it."""
    before, mark, _ = path.partition("?")
    path = before if mark else path.partition("&api-version=")[0]
    parts = [part for part in path.strip().split("/") if part]
    words = [part.lower() for part in parts]
    model, at = None, 0
    while at < len(words):
        if words[at] in BASES:
            at += 1
        elif words[at] in DEPLOYMENTS and len(words) > at + 1:
            model = unquote(parts[at + 1])
            at += 2
        elif tuple(words[at : at + 2]) == CHAT and len(words) > at + 2:
            at += 2  # the whole address of a chat was taken for the base
        else:
            break
    return _target(parts[at:], tuple(words[at:]), model)


def _target(parts: list[str], words: tuple[str, ...], model: str | None) -> Target | None:
    # Also as Azure AI Inference has it, and as Continue, with the end of it behind `?api-version=`.
    if words in (CHAT, MODELS + CHAT) or (model and not words):
        return Target(Operation.COMPLETE, model)
    if words in _POSTED:
        return Target(_POSTED[words], model)
    if words == MODELS:
        return Target(Operation.MODELS)
    if words == FEEDBACK:
        return Target(Operation.RATE)
    if words[:1] == MODELS:
        return Target(Operation.MODEL, unquote("/".join(parts[1:])))
    return None
