"""docs/runs.md: the kinds of lines in a run's log, from their table."""

from shared.run.outcome import LOG_KINDS


def parts() -> dict[str, str]:
    rows = [f"| `{kind}` | {meaning} |" for kind, meaning in LOG_KINDS.items()]
    return {"log": "\n".join(["| `kind` | what it tells |", "|---|---|", *rows])}
