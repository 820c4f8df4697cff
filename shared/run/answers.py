"""What a run's plan is made of: questions about an account, each answered yes, no or not known, in
a sentence and with what is offered instead.

What the account says counts; the dated table (`catalog`) answers only where the account does not,
and says that it is the table. A table that is old says no to nothing. Pure; asks no question itself
(`trainable`, `deployable`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from shared.catalog import facts, lookup
from shared.catalog.lookup import CatalogModel
from shared.cloud.offers import Known, OfferedModel, Offers
from shared.run.spec import Spec

MOST_OPTIONS = 6  # that a sentence names


class Says(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """`instead`: what may be done about it; `options`: the values that would be taken in its place.
    A `no` that `passes` does so by itself."""

    id: str
    says: Says
    sentence: str
    instead: str = ""
    options: tuple[str, ...] = ()
    passes: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """What has to be sent to the service: how many files, of so many bytes together."""

    files: int = 0
    size: int = 0


@dataclass(frozen=True)
class Asked:
    """A spec, and what is known of the account and of the base model that it names. `coming`: what
    runs ask for that come first; `spare`: what would be put to sleep where room is needed."""

    spec: Spec
    offers: Offers
    today: date
    upload: Upload
    coming: tuple[Spec, ...] = ()
    spare: tuple[Spec, ...] = ()

    @property
    def base(self) -> str:
        return self.spec.base_model

    @property
    def entry(self) -> OfferedModel | None:
        known = [self.known.name] if self.known else []  # it may be written in another way
        return self.offers.model(self.base, *known)

    @property
    def known(self) -> CatalogModel | None:
        return lookup.find_model(self.base)

    @property
    def tier(self) -> str:
        return facts.TIERS.get(self.spec.training_type.lower(), self.spec.training_type)

    @property
    def sku(self) -> str:
        sku = self.spec.deployment.sku
        return facts.SKUS.values.get(sku.lower(), sku)

    def by_table(self, id: str, yes: bool, sentence: str, *options: str) -> Answer:
        """`sentence` begins in small letters."""
        sentence = f"By the table of {facts.READ_ON}, {sentence}"
        if yes:
            return Answer(id, Says.YES, sentence)
        if lookup.is_stale(self.today):
            return Answer(id, Says.UNKNOWN, f"{sentence} The table is old.")
        return Answer(id, Says.NO, sentence, choose(id, options), tuple(options))


# ---- words ---------------------------------------------------------------------------------------

CHOICES = {  # what is chosen in run.yaml, by the question
    "model": "base_model",
    "lifecycle": "base_model",
    "method": "method",
    "training-type": "training_type",
    "sku": "deployment.sku",
}


def not_known(id: str, what: str, part: Known[Any]) -> Answer:
    because = f": {part.why}" if part.why else ""
    return Answer(id, Says.UNKNOWN, f"{what} is not known{because}.", part.fix)


def choose(id: str, options: Iterable[str]) -> str:
    options = tuple(options)
    key = CHOICES.get(id, id)
    if options:
        return f"Choose as {key}: {any_of(options)}."
    if key == "base_model":
        return "The account offers no other that would do: it takes another account."
    return "Choose another base_model."


def any_of(names: Iterable[str]) -> str:
    names = list(names)
    shown = ", ".join(names[:MOST_OPTIONS])
    return shown + (f" and {len(names) - MOST_OPTIONS} more" if len(names) > MOST_OPTIONS else "")
