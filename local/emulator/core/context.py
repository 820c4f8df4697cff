"""What every part of the service works with, in one object. Knows none of the parts."""

from dataclasses import dataclass
from pathlib import Path

from .clock import Clock
from .faults import Faults
from .journal import Journal
from .settings import Settings
from .store import Store


@dataclass(frozen=True)
class Context:
    store: Store
    clock: Clock
    faults: Faults
    settings: Settings
    journal: Journal

    @classmethod
    def open(cls, database: Path) -> "Context":
        store = Store(database)
        clock = Clock(store)
        return cls(store, clock, Faults(store), Settings(store), Journal(store, clock))


class Component:
    """A part of the service: its routes, and what they work with."""

    def __init__(self, context: Context) -> None:
        self._store, self._clock, self._faults = context.store, context.clock, context.faults
        self._settings, self._journal = context.settings, context.journal
