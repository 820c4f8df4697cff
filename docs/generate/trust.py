"""docs/trust.md: the states of a version and what changes the champion, from their table."""

from shared.model.states import MEANINGS, TRANSITIONS, Cause, State

CAUSES = {
    Cause.RELEASED: "at the end of its run, with the verdict",
    Cause.PROMOTED: "a person: `tunedrop promote MODEL@N`",
    Cause.ROLLED_BACK: "a person: `tunedrop rollback MODEL`",
    Cause.WITHDRAWN: "the champion's run was ended, or it is deleted: the one before is back",
}


def parts() -> dict[str, str]:
    return {"states": _states(), "causes": _causes()}


def _states() -> str:
    rows = ["| state | what it is | what may follow |", "|---|---|---|"]
    for state in State:
        follows = [
            f"`{after}`: {why}" for (before, after), why in TRANSITIONS.items() if before is state
        ]
        rows.append(f"| `{state}` | {MEANINGS[state]} | {'<br>'.join(follows)} |")
    return "\n".join(rows)


def _causes() -> str:
    rows = ["| cause | who makes it |", "|---|---|"]
    return "\n".join([*rows, *(f"| {cause} | {CAUSES[cause]} |" for cause in Cause)])
