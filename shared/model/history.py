"""Every change of a model's champion: when, from which version to which, why, and by whom. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.cloud.documents import Count, Frozen, Moment
from shared.model.states import Cause

MOST_KEPT = 1_000  # changes of one model; the oldest are left out


@dataclass(frozen=True, slots=True)
class Decision:
    """That a model is to have another champion. `who` and `why` are words of people; `verdict` is
    the digest of the comparison that it rests on, empty where there was none. `id` names the change
    for whoever is told of it."""

    at: datetime
    cause: Cause = Cause.RELEASED
    who: str = "tunedrop"
    why: str = ""
    verdict: str = ""
    id: str = ""


class Change(Frozen):
    """`version` is the champion from `at` on, `before` the one until then; None: there is none."""

    id: str = ""
    at: Moment
    version: Count | None
    before: Count | None
    cause: Cause
    who: str = ""
    why: str = ""
    verdict: str = ""


def change(decision: Decision, version: int | None, before: int | None) -> Change:
    return Change(
        id=decision.id,
        at=decision.at,
        version=version,
        before=before,
        cause=decision.cause,
        who=decision.who,
        why=decision.why,
        verdict=decision.verdict,
    )


def champion_at(history: Sequence[Change], at: datetime) -> Change | None:
    """The change that made the champion of that moment; None where nothing is known of it: before
    the first change, or before changes were kept."""
    before = (known for known in reversed(history) if known.at <= at)
    return next(before, None)
