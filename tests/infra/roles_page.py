"""The tables of docs/roles.md, made from infra/roles.json: `python -m tests.infra.roles_page`."""

from .conftest import load


def tables() -> list[str]:
    roles = load("roles.json")
    given = [
        f"| {role['to']} | {role['name']}<br>`{role['id']}` | {role['scope']} | {role['reason']} |"
        for role in roles["given"].values()
    ]
    unneeded = [
        f"| {name}<br>`{role['id']}` | {role['reason']} |"
        for name, role in roles["not needed"].items()
    ]
    return [
        "\n".join(["| who | role | where | why |", "|---|---|---|---|", *given]),
        "\n".join(["| role | why not |", "|---|---|", *unneeded]),
    ]


if __name__ == "__main__":
    print("\n\n".join(tables()))
