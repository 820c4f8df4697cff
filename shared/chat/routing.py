"""Which backends may answer for a model name, best first. Reads the registry and calls nothing."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from shared.chat.apis import CHAT, Api
from shared.chat.callers import Caller
from shared.chat.listing import Offered
from shared.chat.parsing import BadRequest
from shared.chat.unanswered import ModelNotReady
from shared.errors import NotFound
from shared.model.redeploy import request_for
from shared.model.registry import Model, Registry

CACHE_SECONDS = 5  # how long a model's record may be used before it is read again
PREVIOUS = "previous"  # the fallback that means: the champion before this one
VERSION_MARK = "@"  # NAME@NUMBER; no deployment has it in its name
CANDIDATE = "candidate"  # NAME@candidate: the newest version, while it is not the champion
NONE_FOR_KEY = "None of what this key may use serves: an operator of the app says what it may use."
MAX_NAME_SHOWN = 80  # characters of an unknown name; a caller may send megabytes of it


@dataclass(frozen=True, slots=True)
class Backend:
    """A deployment that may answer. `name` is what the caller is told; `model` and `version` are
    None for one that is not of the registry; `endpoint` is another resource than the app's own;
    `redeployed_as` is the request by which its deployment is made again once it is gone (`redeploy`
    knows them), None if the app does not do that. `asleep`: it has no deployment now, and there
    is no use in asking it."""

    name: str
    deployment: str
    model: str | None = None
    version: int | None = None
    endpoint: str | None = None
    redeployed_as: str | None = None
    asleep: bool = False


class Router:
    """`clock` is in seconds; `started` is when this process began to offer anything."""

    def __init__(
        self,
        registry: Registry,
        base_deployments: tuple[str, ...],
        fallback: tuple[str, ...],
        clock: Callable[[], float] = time.monotonic,
        started: datetime | None = None,
    ) -> None:
        self.started = started or datetime.now(UTC)
        self.registry = registry
        self.base_deployments = base_deployments
        self.fallback = fallback
        self.clock = clock
        self._cache: dict[str, tuple[float, Model]] = {}

    async def backends(self, requested: str, caller: Caller, api: Api = CHAT) -> list[Backend]:
        """`NAME` is the model's champion with its fallbacks, `NAME@7` exactly that version,
        `NAME@candidate` the one that is not the champion yet; otherwise an allowed base deployment.

        Raises NotFound for what does not exist or is not the caller's, ModelNotReady for a model
        that no version serves yet, BadRequest for one that does not answer such requests.
        """
        if not caller.may_use(requested):
            raise await self._not_found(requested, caller)
        if requested in self.base_deployments:
            return [Backend(requested, requested)]
        name, _, version = requested.partition("@")
        model = await self._model(name)
        if model is None:
            raise await self._not_found(requested, caller)
        if model.deleting:
            raise NotFound(f"{name} is being deleted.", "Chat with another model.")
        if not api.of_tuned_models:
            raise self._only_base(name, api, caller)
        if version:
            return [_backend(model, _version_number(version, model))]
        if model.champion is None:
            raise ModelNotReady(
                f"{name} is being made: no version of it serves yet.",
                f"`tunedrop runs --model {name}` shows how far it is; try again then.",
                retry_after=30,
            )
        return [_backend(model, model.champion), *self._fallbacks(model)]

    async def names(self, caller: Caller) -> list[str]:
        """The models and base deployments that the caller may put into `model`."""
        return [one.name for one in await self.offered(caller) if VERSION_MARK not in one.name]

    async def offered(self, caller: Caller) -> list[Offered]:
        """The same, and each version of the models that answers, or would be deployed for it."""
        found = [one for model in await self.registry.all() for one in _offered(model)]
        found += [Offered(name, self.started) for name in self.base_deployments]
        return [one for one in found if caller.may_use(one.name)]

    async def one(self, requested: str, caller: Caller) -> Offered:
        """Raises what `backends` raises."""
        backend, *_ = await self.backends(requested, caller)
        model = await self._model(backend.model) if backend.model else None
        if model is None:
            return Offered(requested, self.started)
        if VERSION_MARK in requested and backend.version is not None:
            return Offered(requested, model.version(backend.version).created_at)
        return Offered(requested, _since(model))

    def _fallbacks(self, model: Model) -> list[Backend]:
        backends = []
        for name in self.fallback:
            deployment, _, endpoint = name.partition("@")
            if name != PREVIOUS:
                backends.append(Backend(name, deployment, endpoint=endpoint or None))
            elif model.previous:
                backends.append(_backend(model, model.previous))
        return backends

    async def _model(self, name: str) -> Model | None:
        """A model's record, at most a few seconds old. What is not served is always read."""
        read_at, model = self._cache.get(name, (0.0, None))
        if model is None or self.clock() - read_at > CACHE_SECONDS:
            model = await self.registry.load(name) if _is_blob_name(name) else None
            if model and model.champion:
                self._cache[name] = (self.clock(), model)
        return model

    def _only_base(self, name: str, api: Api, caller: Caller) -> BadRequest:
        names = [base for base in self.base_deployments if caller.may_use(base)]
        others = f" Base deployments answer {api.path} if their model does: {', '.join(names)}."
        return BadRequest(
            f"{name} is tuned for chats and answers no {api.path}.",
            f"Chat with {name}.{others if names else ''}",
            param="model",
        )

    async def _not_found(self, requested: str, caller: Caller) -> NotFound:
        names = await self.names(caller)
        shown = requested[:MAX_NAME_SHOWN]
        # The comparison is slow for long texts and many names.
        near = await asyncio.to_thread(get_close_matches, shown, names, n=3) or names[:3]
        none = "No model serves yet." if caller.models is None else NONE_FOR_KEY
        fix = f"Did you mean {' or '.join(near)}?" if near else none
        return NotFound(f"There is no model {shown!r}.", fix)


def _offered(model: Model) -> Iterator[Offered]:
    """Nothing of one that is being deleted; the name itself as soon as a version serves."""
    if model.deleting:
        return
    if model.champion:
        yield Offered(model.name, _since(model))
    for version in sorted(model.versions, key=lambda one: one.version):
        asleep = version.asleep_since and request_for(model, version.version) is None
        if not version.withdrawn and not asleep:
            name = f"{model.name}{VERSION_MARK}{version.version}"
            yield Offered(name, version.created_at)


def _since(model: Model) -> datetime:
    return min(version.created_at for version in model.versions)


def _is_blob_name(name: str) -> bool:
    """Whether there can be a record with this name: callers may send anything."""
    return name.isascii() and name.replace("-", "").isalnum() and len(name) <= 40


def _version_number(version: str, model: Model) -> int:
    if version == CANDIDATE:
        if model.candidate is None:
            raise NotFound(f"{model.name} has no candidate.", f"Chat with {model.name} itself.")
        return model.candidate
    if not version.isdecimal() or len(version) > 9:
        raise NotFound(
            f"{version[:20]!r} is not a version of {model.name}.",
            f"Write {model.name}@1, for example.",
        )
    return int(version)


def _backend(model: Model, number: int) -> Backend:
    name, version = f"{model.name}@{number}", model.version(number)
    return Backend(
        name,
        version.deployment,
        model.name,
        number,
        redeployed_as=request_for(model, number),
        asleep=version.asleep_since is not None,
    )
