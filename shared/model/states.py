"""The states of a version, and what may follow what, as data. Pure: no I/O, no clock.

docs/trust.md has the table that is made from this one. Which state a version is in follows from
its model's record (`registry`), so no two of them can contradict each other.
"""

from enum import StrEnum


class State(StrEnum):
    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


MEANINGS = {
    State.CANDIDATE: "its dataset is not older than the champion's, and it never was the champion",
    State.CHAMPION: "chat with the model goes to it; there is one at most",
    State.RETIRED: "it was the champion, or its dataset is older than the champion's",
    State.WITHDRAWN: "its run was ended, or it is being deleted: it has no deployment",
}


class Cause(StrEnum):
    """Why a model has another champion."""

    RELEASED = "released"  # at the end of its run, with its verdict
    PROMOTED = "promoted"  # by a person
    ROLLED_BACK = "rolled back"  # by a person, to the champion before
    WITHDRAWN = "withdrawn"  # the champion has gone; the one before it is back, or nobody


# What may follow what, and by what. Several versions may change at once: where one becomes the
# champion, the one before it is retired.
TRANSITIONS: dict[tuple[State, State], str] = {
    (State.CANDIDATE, State.CHAMPION): "it is released or promoted",
    (State.CANDIDATE, State.RETIRED): "a version of a newer dataset becomes the champion",
    (State.CANDIDATE, State.WITHDRAWN): "its run is ended, or it is deleted",
    (State.CHAMPION, State.RETIRED): "another version becomes the champion",
    (State.CHAMPION, State.WITHDRAWN): "its run is ended, or it is deleted",
    (State.RETIRED, State.CHAMPION): "it is promoted, rolled back to, or the champion is withdrawn",
    (
        State.RETIRED,
        State.CANDIDATE,
    ): "it never served, and the champion is of an older dataset",
    (State.RETIRED, State.WITHDRAWN): "its run is ended, or it is deleted",
    (State.WITHDRAWN, State.CANDIDATE): "its run deploys it again",
    (State.WITHDRAWN, State.RETIRED): "its run deploys it again, and it had served or is older",
}
