"""Faults of the emulated service, by name, for one test."""

from dataclasses import dataclass
from typing import Any

from tests.conftest import Loop


@dataclass
class Faults:
    loop: Loop

    def arm(self, fault: str, operation: str | None = None, **options: Any) -> None:
        where = {"operation": operation} if operation else {}
        self.loop.emulator("faults", {"fault": fault, **where, **options})

    def disarm(self) -> None:
        self.loop.emulator("faults", method="DELETE")

    def set(self, **settings: Any) -> None:
        self.loop.emulator("settings", settings, "PATCH")
