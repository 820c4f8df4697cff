"""The table of kinds in docs/notifications.md, from the one that the app tells by."""

from shared.run.notifications import KINDS, PREFIX

HEAD = "| type | when | subject | in `data` |\n|---|---|---|---|"


def parts() -> dict[str, str]:
    rows = [
        f"| `{PREFIX}{kind}` | {about.when} | {about.subject} | "
        f"{', '.join(f'`{name}`' for name in about.data)} |"
        for kind, about in KINDS.items()
    ]
    return {"kinds": "\n".join([HEAD, *rows])}
