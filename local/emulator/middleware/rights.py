"""What a token may do: everything, until a right is removed by its name.

A right is named after what an operation does ("jobs.write") and stands for the action that a role
in Azure would have to name. Keys have every right, as in Azure. Bodies: for the data plane as
callers without a data action have reported them (S-DOC), for the control plane Azure Resource
Manager's AuthorizationFailed.
"""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..core.errors import ArmError, ServiceError, invalid
from ..core.operations import family_of, name_of
from ..core.protocol import json_body
from ..core.store import Store

_OPENAI = "Microsoft.CognitiveServices/accounts/OpenAI/"
_ACCOUNT = "Microsoft.CognitiveServices/accounts/"
# right: its action, the operations that need it
RIGHTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "files.read": (f"{_OPENAI}files/read", ("files.list", "files.get", "files.content")),
    "files.write": (f"{_OPENAI}files/write", ("files.create", "files.import")),
    "files.delete": (f"{_OPENAI}files/delete", ("files.delete",)),
    "uploads.write": (
        f"{_OPENAI}uploads/write",  # [inferred]
        ("uploads.create", "uploads.part", "uploads.complete", "uploads.cancel"),
    ),
    "jobs.read": (
        f"{_OPENAI}fine-tunes/read",
        ("jobs.list", "jobs.get", "jobs.events", "jobs.checkpoints"),
    ),
    # That pausing counts as writing is [inferred].
    "jobs.write": (
        f"{_OPENAI}fine-tunes/write",
        ("jobs.create", "jobs.cancel", "jobs.pause", "jobs.resume"),
    ),
    "jobs.delete": (f"{_OPENAI}fine-tunes/delete", ("jobs.delete",)),
    "models.read": (f"{_OPENAI}models/read", ("models.list", "models.get")),
    "models.delete": (f"{_OPENAI}models/delete", ("models.delete",)),  # [inferred]
    "chat": (f"{_OPENAI}deployments/chat/completions/action", ("chat.create",)),
    "completions": (f"{_OPENAI}deployments/completions/action", ("completions.create",)),
    "embeddings": (f"{_OPENAI}deployments/embeddings/action", ("embeddings.create",)),
    # The last part of the three is [inferred].
    "responses.write": (f"{_OPENAI}responses/write", ("responses.create", "responses.cancel")),
    "responses.read": (
        f"{_OPENAI}responses/read",
        ("responses.get", "responses.input_items"),
    ),
    "responses.delete": (f"{_OPENAI}responses/delete", ("responses.delete",)),
    "account.read": (f"{_ACCOUNT}read", ("accounts.get",)),
    "keys.read": (f"{_ACCOUNT}listKeys/action", ("accounts.keys",)),
    "catalog.read": (f"{_ACCOUNT}models/read", ("accounts.models",)),
    "locations.read": (
        "Microsoft.CognitiveServices/locations/models/read",
        ("locations.models",),
    ),
    "deployments.read": (
        f"{_ACCOUNT}deployments/read",
        ("deployments.list", "deployments.get", "deployments.skus"),
    ),
    "deployments.write": (f"{_ACCOUNT}deployments/write", ("deployments.put", "deployments.patch")),
    "deployments.delete": (f"{_ACCOUNT}deployments/delete", ("deployments.delete",)),
    "usages.read": (
        "Microsoft.CognitiveServices/locations/usages/read",
        ("locations.usages",),
    ),
}
_NEEDED = {op: right for right, (_, operations) in RIGHTS.items() for op in operations}
ANY_IDENTITY = "*"


class Rights:
    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [Route("/_emulator/rights", self.control, methods=["GET", "POST", "DELETE"])]

    async def control(self, request: Request) -> JSONResponse:
        """POST {"remove": [RIGHT, ...], "identity": OBJECT_ID, which is any if left out};
        DELETE gives all of them back."""
        if request.method == "DELETE":
            self._store.delete_family("right", "")
        if request.method == "POST":
            self._remove(await json_body(request))
        removed = [
            {"right": record["right"], "identity": record["identity"]}
            for record in self._store.family("right")
        ]
        every = {
            right: {"action": action, "operations": o} for right, (action, o) in RIGHTS.items()
        }
        return JSONResponse({"removed": removed, "known": every})

    def refusal(self, request: Request, identity: str) -> ServiceError | None:
        path = request.url.path
        right = _NEEDED.get(name_of(request.method, path))
        if right is None or not self._is_removed(right, identity):
            return None
        action = RIGHTS[right][0]
        if family_of(path) == "arm":
            return ArmError(
                403,
                "AuthorizationFailed",
                f"The client '{identity}' with object id '{identity}' does not have authorization"
                f" to perform action '{action}' over scope '{path}' or the scope is invalid. If"
                " access was recently granted, please refresh your credentials.",
            )
        return ServiceError(
            401,
            "PermissionDenied",
            f"The principal `{identity}` lacks the required data action `{action}` to perform"
            f" `{request.method} {path}` operation.",
        )

    def _is_removed(self, right: str, identity: str) -> bool:
        return any(
            record["right"] == right and record["identity"] in (ANY_IDENTITY, identity)
            for record in self._store.family("right")
        )

    def _remove(self, request: dict[str, Any]) -> None:
        rights, identity = request.get("remove"), request.get("identity", ANY_IDENTITY)
        if not isinstance(rights, list) or not all(right in RIGHTS for right in rights):
            raise invalid(f"remove must be a list of some of: {', '.join(RIGHTS)}.")
        if not isinstance(identity, str):
            raise invalid(f"identity must be an object id, not {identity!r}.")
        for right in rights:
            record = {"right": right, "identity": identity}
            self._store.put("right", str(uuid.uuid4()), record)
