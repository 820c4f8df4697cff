"""Which deployments may answer to a name, best first. Reads the registry, asks nobody else."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from shared.chat.access import Caller
from shared.errors import NotFound, Unavailable
from shared.model.registry import Model, Registry

FRESH_SECONDS = 5  # how long a model's record may be used before it is read again
PREVIOUS = "previous"  # the fallback that means: the champion before this one
CANDIDATE = "candidate"  # NAME@candidate: the newest version, while it is not the champion


@dataclass(frozen=True, slots=True)
class Target:
    """`served_by` is what a header tells the caller; `model` is whose deployment may be woken;
    `endpoint` is another Azure OpenAI resource than the app's own."""

    served_by: str
    deployment: str
    model: str | None = None
    endpoint: str | None = None


class Directory:
    """`now` is a clock in seconds."""

    def __init__(
        self,
        registry: Registry,
        base_deployments: tuple[str, ...],
        fallback: tuple[str, ...],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = registry
        self.base_deployments = base_deployments
        self.fallback = fallback
        self.now = now
        self._read: dict[str, tuple[float, Model]] = {}

    async def targets(self, asked: str, caller: Caller) -> list[Target]:
        """`NAME` is the model's champion with its fallbacks, `NAME@7` exactly that version,
        `NAME@candidate` the one that is not the champion yet; otherwise an allowed base deployment.

        Raises NotFound for what does not exist or is not the caller's, Unavailable for a model
        that no version serves yet.
        """
        if not caller.may_use(asked):
            raise await self._not_found(asked, caller)
        if asked in self.base_deployments:
            return [Target(asked, asked)]
        name, _, number = asked.partition("@")
        model = await self._model(name)
        if model is None:
            raise await self._not_found(asked, caller)
        if number:
            return [_version(model, _whole(number, model))]
        if model.champion is None:
            raise Unavailable(
                f"{name} is being made: no version of it serves yet.",
                f"See GET /api/runs?model={name} and try again.",
                code="model_not_ready",
                retry_after=30,
            )
        return [_version(model, model.champion), *self._fallbacks(model)]

    async def names(self, caller: Caller) -> list[str]:
        """Everything that the caller may put into `model`."""
        served = [model.name for model in await self.registry.all() if model.champion]
        return [name for name in (*served, *self.base_deployments) if caller.may_use(name)]

    def _fallbacks(self, model: Model) -> list[Target]:
        found = []
        for name in self.fallback:
            deployment, _, endpoint = name.partition("@")
            if name != PREVIOUS:
                found.append(Target(name, deployment, endpoint=endpoint or None))
            elif model.previous:
                found.append(_version(model, model.previous))
        return found

    async def _model(self, name: str) -> Model | None:
        """A model's record, not older than a few seconds. What is not served is always read."""
        read_at, model = self._read.get(name, (0.0, None))
        if model is None or self.now() - read_at > FRESH_SECONDS:
            model = await self.registry.load(name) if _may_be_a_name(name) else None
            if model and model.champion:
                self._read[name] = (self.now(), model)
        return model

    async def _not_found(self, asked: str, caller: Caller) -> NotFound:
        known = await self.names(caller)
        near = get_close_matches(asked, known, n=3) or known[:3]
        hint = f"Did you mean {' or '.join(near)}?" if near else "No model serves yet."
        return NotFound(f"There is no model {asked[:80]!r}.", hint)


def _may_be_a_name(name: str) -> bool:
    """Whether it can be a blob's name at all: callers may send anything."""
    return name.isascii() and name.replace("-", "").isalnum() and len(name) <= 40


def _whole(number: str, model: Model) -> int:
    if number == CANDIDATE:
        if model.candidate is None:
            raise NotFound(f"{model.name} has no candidate.", f"Chat with {model.name} itself.")
        return model.candidate
    if not number.isdecimal() or len(number) > 9:
        raise NotFound(
            f"{number[:20]!r} is not a version of {model.name}.",
            f"Write {model.name}@1, for example.",
        )
    return int(number)


def _version(model: Model, number: int) -> Target:
    return Target(f"{model.name}@{number}", model.version(number).deployment, model.name)
