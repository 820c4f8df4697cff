"""The table of metrics in docs/observability.md, from the app's own list of them."""

from shared.telemetry import METRICS


def parts() -> dict[str, str]:
    return {"metrics": metrics()}


def metrics() -> str:
    rows = [
        f"| `{m.name}` | {m.kind} | {m.unit.strip('{}')} | {_by(m.by)} | {m.doc} |"
        for m in METRICS.values()
    ]
    return "\n".join(["| metric | kind | unit | by | what it is |", "|---|---|---|---|---|", *rows])


def _by(attributes: str) -> str:
    return ", ".join(f"`{name}`" for name in attributes.split())
