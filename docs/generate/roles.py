"""The tables of docs/roles.md, from infra/roles.json, which the templates are compared with too."""

import json
from typing import Any

from docs.generate import DOCS

ROLES = DOCS.parent / "infra/roles.json"


def parts() -> dict[str, str]:
    roles = json.loads(ROLES.read_text(encoding="utf-8"))
    return {"roles given": given(roles["given"]), "roles not needed": unneeded(roles["not needed"])}


def given(roles: dict[str, Any]) -> str:
    rows = [
        f"| {role['to']} | {role['name']}<br>`{role['id']}` | {role['scope']} | {role['reason']} |"
        for role in roles.values()
    ]
    return "\n".join(["| who | role | where | why |", "|---|---|---|---|", *rows])


def unneeded(roles: dict[str, Any]) -> str:
    rows = [f"| {name}<br>`{role['id']}` | {role['reason']} |" for name, role in roles.items()]
    return "\n".join(["| role | why not |", "|---|---|", *rows])
