"""A worker that is killed at one call of many, before its effect or after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.cloud.memory_container import MemoryContainer

WRITES = ("create", "replace", "put", "append", "delete")


class Killed(BaseException):
    pass


@dataclass
class Killer:
    """Kills at call number `at`, before or after its effect; `lost` writes go with it."""

    at: int = -1
    after: bool = False
    lost: int = 0
    calls: int = 0
    containers: tuple[MemoryContainer, ...] = ()
    saved: list[list[Any]] = field(default_factory=list)

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def called(*args: Any, **options: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            self.saved.append([container.saved() for container in self.containers])
            if number == self.at and not self.after:
                self._kill()
            result = await function(*args, **options)
            if number == self.at:
                self._kill()
            return result

        return called

    def _kill(self) -> None:
        if self.lost:
            for container, saved in zip(self.containers, self.saved[-self.lost :][0], strict=True):
                container.restore(saved)
        raise Killed
