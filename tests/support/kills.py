"""A process that is killed at one call of many, before its effect or after it, in memory.

A dead process calls nothing any more, whatever of it still runs. Of storage only writes count, for
a read has no effect. Where storage goes down with it, its last acknowledged writes are lost too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.cloud.receivers import Receivers
from tests.support.service_state import MemoryService

WRITES = ("create", "replace", "put", "append", "delete")


class Killed(BaseException):
    pass


@dataclass(frozen=True)
class Kill:
    """At call number `at`, from 0, before its effect or after it; `lost` writes go with it."""

    at: int
    after: bool
    lost: int = 0

    def __str__(self) -> str:
        lost = f", with {self.lost} writes" if self.lost else ""
        return f"{'after' if self.after else 'before'} call {self.at}{lost}"


class Calls:
    """Counts the calls of the processes of one life; `names` says what each was."""

    def __init__(self, kill: Kill | None = None, *containers: MemoryContainer) -> None:
        self.kill, self.containers = kill, containers
        self.names: list[str] = []
        self.dead = self.struck = False
        self._saved: list[list[Any]] = []

    def __len__(self) -> int:
        return len(self.names)

    @contextmanager
    def counted(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MemoryService, "call", self._wrap(MemoryService.call, _operation))
            patch.setattr(Receivers, "send", self._wrap(Receivers.send, lambda *args: "tell"))
            for name in WRITES:
                written = getattr(MemoryContainer, name)
                patch.setattr(MemoryContainer, name, self._wrap(written, _written(name)))
            yield

    def _wrap(self, function: Callable[..., Any], called: Callable[..., str]) -> Callable[..., Any]:
        async def counted(*args: Any, **options: Any) -> Any:
            fatal = self._one_more(called(*args))
            try:
                return await function(*args, **options)
            finally:  # also where it was refused
                if fatal or self.dead:
                    self._die()

        return counted

    def _one_more(self, name: str) -> bool:
        """Whether this call is the last, once its effect has taken place."""
        if self.dead:
            raise Killed
        number = len(self.names)
        self.names.append(name)
        if self.kill is None:
            return False
        if self.kill.lost:
            self._saved.append([container.saved() for container in self.containers])
        fatal = number == self.kill.at
        if fatal and not self.kill.after:
            self._die()
        return fatal

    def _die(self) -> None:
        if not self.dead and self.kill and self.kill.lost:
            known = self._saved[-self.kill.lost :][0]
            for container, saved in zip(self.containers, known, strict=True):
                container.restore(saved)
        self.dead = self.struck = True
        raise Killed

    async def survived(self, work: Awaitable[object]) -> bool:
        """Do the work in a process; whether that lives on. One that died has come to rest."""
        loop, others = asyncio.get_running_loop(), asyncio.all_tasks()
        loop.set_exception_handler(_tell_of_others)
        try:
            await work
        except BaseException as error:
            if not _is_death(error):
                raise
        rest = asyncio.all_tasks() - others
        if self.dead:
            await asyncio.gather(*rest, return_exceptions=True)
        died, self.dead = self.dead, False
        return not died


def _operation(service: MemoryService, name: str, operation: str, effect: object) -> str:
    return operation


def _written(verb: str) -> Callable[..., str]:
    return lambda container, name, *args: f"{verb} {container.name}/{name}"


def _tell_of_others(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody asks what a dead process's tasks have come to."""
    if not _is_death(context.get("exception")):
        loop.default_exception_handler(context)


def _is_death(error: object) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_death, error.exceptions))
    return isinstance(error, Killed)
