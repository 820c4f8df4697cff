"""What a path asks for, however a client has built it from its base address.

Clients append `/v1` to an address that has it, put the deployment into the path, or take the whole
address of a chat for the base. Only the end of a path decides. Knows no requests and no models.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from shared.chat.other_routes import instead_of
from shared.errors import CallerError
from shared.printable import shown

CHAT, MODELS, FEEDBACK = ("chat", "completions"), ("models",), ("feedback",)
BASES = {"api", "openai", "v1"}  # what a base address may end with, in any order and number
DEPLOYMENTS = {"deployments", "engines"}  # Azure OpenAI's word, and OpenAI's first one
RESPONSES, COMPLETIONS, EMBEDDINGS = ("responses",), ("completions",), ("embeddings",)
FIRST_WORDS = {"chat", "responses", "models", "feedback", *BASES, *DEPLOYMENTS}
LISTS = (("deployments",), ("engines",))
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
    DEPLOYMENTS = "GET deployments"
    DEPLOYMENT = "GET deployment"
    RATE = "POST rating"

    @property
    def method(self) -> str:
        return self.value.split()[0]


@dataclass(frozen=True, slots=True)
class Target:
    """`model` is the name that the path has, where it has one. `read` is what is there for who
    wants to look at it, beside the operation."""

    operation: Operation
    model: str | None = None
    read: Operation | None = None

    def by(self, method: str) -> "Target | None":
        """With the operation that the method asks for."""
        wanted = "GET" if method == "HEAD" else method
        fits = (one for one in (self.operation, self.read) if one and one.method == wanted)
        operation = next(fits, None)
        return Target(operation, self.model) if operation else None

    @property
    def methods(self) -> str:
        return ", ".join(one.method for one in (self.operation, self.read) if one)


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
        why, fix = instead_of(_words(path)) or ("", f"There is {OFFERED}.")
        raise NoSuchOperation(f"There is no {address}. {why}".strip(), fix)
    if found := target.by(method):
        return found
    raise NoSuchOperation(
        f"There is no {address}: it takes {target.methods}.", f"There is {OFFERED}.", target.methods
    )


def target_of(path: str) -> Target | None:
    """What is at a path, by whatever method."""
    parts, model = _split(path)
    return _target(parts, tuple(part.lower() for part in parts), model)


def _words(path: str) -> tuple[str, ...]:
    """Of what is below the base address; only the id of something has capitals."""
    parts, _ = _split(path)
    return tuple(parts[:1] and [parts[0].lower()]) + tuple(parts[1:])


def _split(path: str) -> tuple[list[str], str | None]:
    """What is below the base address, and the model in that. A query that a client has escaped is
    none of it."""
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
        elif taken := _taken_for_base(words, at):
            at += taken
        else:
            break
    return parts[at:], model


def _taken_for_base(words: list[str], at: int) -> int:
    """How many words from there on are the whole address of an API, which was taken for the base:
    what follows is an address of its own."""
    for whole in (CHAT, RESPONSES):
        end = at + len(whole)
        if tuple(words[at:end]) == whole and {*words[end : end + 1]} & FIRST_WORDS:
            return len(whole)
    return 0


def _target(parts: list[str], words: tuple[str, ...], model: str | None) -> Target | None:
    # Also as Azure AI Inference has it, and as Continue, with the end of it behind `?api-version=`.
    if words in (CHAT, MODELS + CHAT):
        return Target(Operation.COMPLETE, model)
    if model and not words:
        return Target(Operation.COMPLETE, model, Operation.DEPLOYMENT)
    if words in LISTS:
        return Target(Operation.DEPLOYMENTS)
    if words in _POSTED:
        return Target(_POSTED[words], model)
    if words == MODELS:
        return Target(Operation.MODELS)
    if words == FEEDBACK:
        return Target(Operation.RATE)
    if words[:1] == MODELS:
        return Target(Operation.MODEL, unquote("/".join(parts[1:])))
    return None
