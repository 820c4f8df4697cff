"""What every room of the emulator works with, in one object. Knows none of the rooms."""

from dataclasses import dataclass
from pathlib import Path

from .clock import Clock
from .faults import Faults
from .journal import Journal
from .store import Store
from .switches import Switches


@dataclass(frozen=True)
class Common:
    store: Store
    clock: Clock
    faults: Faults
    switches: Switches
    journal: Journal

    @classmethod
    def open(cls, database: Path) -> "Common":
        store = Store(database)
        clock = Clock(store)
        return cls(store, clock, Faults(store), Switches(store), Journal(store, clock))


class Room:
    """A part of the service: its routes, and what they work with."""

    def __init__(self, common: Common) -> None:
        self._store, self._clock, self._faults = common.store, common.clock, common.faults
        self._switches, self._journal = common.switches, common.journal
