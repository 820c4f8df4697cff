"""The states of a version, and what may follow what, as data. Pure: no I/O, no clock.

docs/trust.md has the table that is made from this one. Which state a version is in follows from
its model's record (`registry`), so no two of them can contradict each other.
"""

from enum import StrEnum


class State(StrEnum):
    CANDIDATE = "candidate"  # newer than the champion, and never was it
    CHAMPION = "champion"  # chat with the model goes to it
    RETIRED = "retired"  # was the champion, or is older than it
    WITHDRAWN = "withdrawn"  # its run was ended, or it was deleted: it has no deployment


class Cause(StrEnum):
    """Why a model has another champion."""

    RELEASED = "released"  # at the end of its run, with its verdict
    PROMOTED = "promoted"  # by a person
    ROLLED_BACK = "rolled back"  # by a person, to the champion before
    WITHDRAWN = "withdrawn"  # the champion has gone; the one before it is back, or nobody


TRANSITIONS: dict[tuple[State, Cause], State] = {
    (State.CANDIDATE, Cause.RELEASED): State.CHAMPION,
    (State.CANDIDATE, Cause.PROMOTED): State.CHAMPION,
    (State.RETIRED, Cause.PROMOTED): State.CHAMPION,
    (State.RETIRED, Cause.ROLLED_BACK): State.CHAMPION,
    (State.RETIRED, Cause.WITHDRAWN): State.CHAMPION,
    (State.CANDIDATE, Cause.WITHDRAWN): State.WITHDRAWN,
    (State.CHAMPION, Cause.WITHDRAWN): State.WITHDRAWN,
}
