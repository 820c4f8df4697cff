"""The roles that the app needs, with their scopes, and the command that assigns one."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Role:
    """`scope` is `subscription`, `account`, `data storage` or `container NAME`."""

    name: str
    id: str
    scope: str


def _blobs(kind: str, id: str, container: str) -> Role:
    return Role(f"Storage Blob Data {kind}", id, f"container {container}")


_OWNER = ("Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b")
_CONTRIBUTOR = ("Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe")
# What infra/roles.json gives to the app's identity, under the same keys; a test compares them.
ROLES = {
    "openai": Role(
        "Cognitive Services OpenAI Contributor", "a001fd3d-188f-4b5d-821b-7da978bf7442", "account"
    ),
    "quota": Role(
        "Cognitive Services Usages Reader", "bba48692-92b0-4667-a9ad-c31c7b334ac2", "subscription"
    ),
    "datasets": _blobs(*_OWNER, "datasets"),
    "runs": _blobs(*_CONTRIBUTOR, "runs"),
    "models": _blobs(*_CONTRIBUTOR, "models"),
    "feedback": _blobs(*_CONTRIBUTOR, "feedback"),
    "poison": Role(
        "Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88", "data storage"
    ),
}


def assign_command(role: Role, scope: str, claims: dict[str, Any]) -> str:
    """The command that gives the role to whoever holds a token with these claims."""
    holder = str(claims.get("oid") or "OBJECT-ID-OF-THE-IDENTITY")
    kind = "User" if claims.get("upn") or claims.get("idtyp") == "user" else "ServicePrincipal"
    return (
        f"az role assignment create --assignee-object-id {holder} --assignee-principal-type {kind} "
        f'--role "{role.name}" --scope {scope}'
    )
