"""How long it takes until a version that sleeps answers: as long as it took the last few times.

    woken   in the models container: the last few wake-ups of any model; no record of a model

Knows how long, not how a deployment is made.
"""

import logging
from datetime import timedelta
from statistics import median
from typing import Annotated

from pydantic import Field

from shared.cloud.container import Container
from shared.cloud.documents import Document
from shared.errors import TunedropError

log = logging.getLogger(__name__)

NAME = "woken"
# Assumed until a deployment has been made here. Azure publishes no figure; users report that one is
# ready after minutes and answers "DeploymentNotReady" for 5 to 10 of them (chat-copilot#682).
USUAL = timedelta(minutes=10)
KEPT = 9  # wake-ups; one that was slow for a reason of its own does not change the median of them
LEAST_SECONDS = 15.0  # to wait before it is worth while to ask again
LONGEST = 24 * 3600.0  # seconds; whatever took longer waited for a person


class Woken(Document):
    """Seconds from a request to the first answer, the newest last."""

    seconds: tuple[Annotated[float, Field(ge=0, le=LONGEST)], ...] = ()

    def misfit(self, name: str) -> str | None:
        return None if name == NAME else "it is something else"

    @property
    def usual(self) -> float:
        return median(self.seconds) if self.seconds else USUAL.total_seconds()


async def usual_seconds(models: Container) -> float:
    """How long a wake-up usually takes. Never raises for storage."""
    try:
        found = await models.record(NAME, Woken)
    except TunedropError as error:
        log.warning("how long wake-ups took is not known: %s", error)
        found = None
    return (found[0] if found else Woken()).usual


async def note(models: Container, seconds: float) -> None:
    """Keep how long one took. Never raises for storage."""
    if not 0 <= seconds <= LONGEST:
        return

    def add(known: Woken | None) -> Woken:
        before = known.seconds if known else ()
        return Woken(seconds=(*before, round(seconds, 1))[-KEPT:])

    try:
        await models.update(NAME, Woken, add)
    except TunedropError as error:
        log.warning("how long a wake-up took is not kept: %s", error)


def seconds_left(usual: float, waited: float) -> float:
    """From a time that others ask at, `waited` seconds after the first; one that takes longer than
    usual may be there at any moment."""
    return max(LEAST_SECONDS, usual - max(waited, 0.0))
