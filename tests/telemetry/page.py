"""`python -m tests.telemetry.page` prints the table of metrics for docs/observability.md."""

from shared.telemetry import METRICS


def table() -> str:
    rows = [
        f"| `{m.name}` | {m.kind} | {m.unit.strip('{}')} | {_by(m.by)} | {m.doc} |"
        for m in METRICS.values()
    ]
    return "\n".join(["| metric | kind | unit | by | what it is |", "|---|---|---|---|---|", *rows])


def _by(attributes: str) -> str:
    return ", ".join(f"`{name}`" for name in attributes.split())


if __name__ == "__main__":
    print(table())
