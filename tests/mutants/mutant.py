"""One deliberate fault: a small change of the product, the promise that it breaks, and the tests
that must notice. The lists are the TOML files beside this module, one for each room:

    [[mutant]]
    name = "intent-not-written"
    promise = "nothing is paid for twice"
    file = "shared/run/steps.py"
    find = '''…'''    # stands once in the file
    put = '''…'''     # what stands there instead
    tests = ["tests/simulation"]    # arguments of pytest

Knows what a mutant is, not how one is tried (`trial`).
"""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent


class DoesNotApply(Exception):
    """The code has changed: the mutant has to be written anew, or deleted with its promise."""


@dataclass(frozen=True)
class Mutant:
    name: str
    promise: str
    file: str
    find: str
    put: str
    tests: tuple[str, ...]

    def applied(self, source: str) -> str:
        """The file's source with the fault. Raises DoesNotApply."""
        count = source.count(self.find)
        if count != 1 or self.find == self.put:
            raise DoesNotApply(f"{self.name}: what it changes stands {count} times in {self.file}")
        return source.replace(self.find, self.put)


def all_mutants() -> list[Mutant]:
    """Of every list, in the order of the lists' names. Raises ValueError for two of one name."""
    found: dict[str, Mutant] = {}
    for path in sorted(HERE.glob("*.toml")):
        listed = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
        for mutant in (Mutant(**{**item, "tests": tuple(item["tests"])}) for item in listed):
            if mutant.name in found:
                raise ValueError(f"two mutants are called {mutant.name}")
            found[mutant.name] = mutant
    return list(found.values())


def of_the_day(mutants: Sequence[Mutant], count: int, day: date | None = None) -> list[Mutant]:
    """So many of them, by chance: the same ones until midnight UTC, wherever they are drawn."""
    today = (day or datetime.now(UTC).date()).isoformat()
    return random.Random(today).sample(list(mutants), min(count, len(mutants)))
