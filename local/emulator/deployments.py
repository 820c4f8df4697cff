"""The control plane: deployments, through ARM's REST protocol. Knows models by name only.

Nothing here waits: what state a deployment is in follows from when it was asked for and the clock.
The emulator is one account; whatever subscription, group and account a client names is that one.
"""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import Clock
from .errors import ArmError, InferenceError
from .models import Models, Servable
from .store import Document, Store
from .wire import json_body

CREATING_SECONDS = 1.0
# After ARM says Succeeded, chat goes on answering DeploymentNotFound for a while (S-SKILL).
READINESS_GAP_SECONDS = 0.5
DELETING_SECONDS = 0.5
RETRY_AFTER = {"Retry-After": "1"}  # paces the SDK's poller, which would wait 30 s (S-PROBE)

LOCATION = "swedencentral"
ACCOUNT = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.CognitiveServices/accounts/{account}"
)
RESULTS = (
    "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices"
    f"/locations/{LOCATION}/operationResults/{{operation}}"
)
# S-DOC; compared without regard to case, because Microsoft's own samples write them in any.
SKUS = {
    "standard",
    "globalstandard",
    "datazonestandard",
    "developertier",
    "developer",
    "provisionedmanaged",
    "globalprovisionedmanaged",
}
STANDARD_TOKENS_PER_UNIT = 1000  # one unit of capacity is 1K tokens per minute


class Deployments:
    def __init__(self, store: Store, clock: Clock, models: Models) -> None:
        self._store, self._clock, self._models = store, clock, models

    def routes(self) -> list[Route]:
        one = f"{ACCOUNT}/deployments/{{name}}"
        return [
            Route(f"{ACCOUNT}/deployments", self.index, methods=["GET"]),
            Route(one, self.put, methods=["PUT"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(RESULTS, self.operation, methods=["GET"]),
        ]

    # ---- for chat ----------------------------------------------------------------------------

    def answering(self, name: str) -> Servable:
        """The model behind a deployment, once it is ready to answer."""
        record = self._find(name)
        if record is None or self._deleting(record):
            raise _no_deployment()
        if self._clock.now() >= record["_ready_at"]:
            return Servable(**record["_model"])
        # A deployment that is given another model answers with the old one until then [inferred].
        if record["_previous"] is None:
            raise _no_deployment()
        return Servable(**record["_previous"])

    # ---- endpoints ---------------------------------------------------------------------------

    async def put(self, request: Request) -> Response:
        body = await json_body(request)
        name: str = request.path_params["name"]
        sku, model = _sku(body), _model(body)
        servable = self._models.servable(model["name"], model.get("version"))
        if servable is None or model.get("format") != "OpenAI":
            raise _unsupported(model)
        existing = self._find(name)
        if existing and self._deleting(existing):
            existing = None
        record = self._record(request.url.path, name, existing, servable)
        record |= {"sku": sku, "model": model, "upgrade": _upgrade(body)}
        self._store.put("deployment", name.lower(), record)
        headers = {
            "Azure-AsyncOperation": self._begin(request, record["_created_at"]),
            **RETRY_AFTER,
        }
        return JSONResponse(self._shown(record), 200 if existing else 201, headers)

    async def index(self, request: Request) -> JSONResponse:
        names = [record["name"] for record in self._store.family("deployment")]
        found = [record for name in names if (record := self._find(name))]
        return JSONResponse({"value": [self._shown(record) for record in found], "nextLink": None})

    async def show(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        record = self._find(name)
        if record is None:
            raise ArmError(404, "ResourceNotFound", f"The deployment {name!r} was not found.")
        return JSONResponse(self._shown(record))

    async def delete(self, request: Request) -> Response:
        """204 if there is nothing to delete; else 202, to be polled at `Location`."""
        record = self._find(request.path_params["name"])
        if record is None:
            return Response(status_code=204)
        done = self._clock.now() + DELETING_SECONDS
        self._store.put("deployment", record["name"].lower(), {**record, "_gone_at": done})
        headers = {"Location": self._begin(request, done), **RETRY_AFTER}
        return Response(status_code=202, headers=headers)

    async def operation(self, request: Request) -> Response:
        """Both styles of polling: a body with `status`, and 202 until it is done."""
        operation_id = request.path_params["operation"]
        record = self._store.get("operation", operation_id)
        if record is None:
            raise ArmError(404, "OperationNotFound", f"No operation {operation_id!r}.")
        done = self._clock.now() >= record["done_at"]
        status = "Succeeded" if done else "InProgress"
        body = {"id": request.url.path, "name": operation_id, "status": status}
        still = not done and record["method"] == "DELETE"
        return JSONResponse(body, 202 if still else 200, None if done else RETRY_AFTER)

    # ---- inside ------------------------------------------------------------------------------

    def _find(self, name: str) -> Document | None:
        """The record, unless its deletion is over: then it goes now."""
        record = self._store.get("deployment", name.lower())
        if record and self._clock.now() >= record.get("_gone_at", float("inf")):
            self._store.delete("deployment", name.lower())
            return None
        return record

    def _deleting(self, record: Document) -> bool:
        return "_gone_at" in record

    def _record(
        self, path: str, name: str, existing: Document | None, servable: Servable
    ) -> Document:
        model = {"name": servable.name, "adapter": servable.adapter}
        if existing and existing["_model"] == model:
            return existing  # only its capacity changes: nothing is created
        now = self._clock.now()
        answered = existing is not None and now >= existing["_ready_at"]
        return {
            "id": path,
            "name": name,
            "etag": f'"{uuid.uuid4()}"',
            "_model": model,
            "_previous": existing["_model"] if existing and answered else None,
            "_asked_at": now,
            "_created_at": now + CREATING_SECONDS,
            "_ready_at": now + CREATING_SECONDS + READINESS_GAP_SECONDS,
        }

    def _begin(self, request: Request, done_at: float) -> str:
        """Notes a long-running operation and gives the URL to poll."""
        operation = str(uuid.uuid4())
        self._store.put("operation", operation, {"method": request.method, "done_at": done_at})
        subscription = request.path_params["subscription"]
        path = RESULTS.format(subscription=subscription, operation=operation)
        return str(request.url.replace(path=path))

    def _state(self, record: Document) -> str:
        if self._deleting(record):
            return "Deleting"
        return "Succeeded" if self._clock.now() >= record["_created_at"] else "Creating"

    def _shown(self, record: Document) -> dict[str, Any]:
        capacity = record["sku"]["capacity"]
        tokens = capacity * STANDARD_TOKENS_PER_UNIT
        return {
            "id": record["id"],
            "name": record["name"],
            "type": "Microsoft.CognitiveServices/accounts/deployments",
            "etag": record["etag"],
            "sku": record["sku"],
            "properties": {
                "model": record["model"],
                "provisioningState": self._state(record),
                "capabilities": {"chatCompletion": "true"},
                "rateLimits": [
                    {"key": "request", "renewalPeriod": 60, "count": capacity},
                    {"key": "token", "renewalPeriod": 60, "count": tokens},
                ],
                "versionUpgradeOption": record["upgrade"],
                "currentCapacity": capacity,
            },
        }


def _no_deployment() -> InferenceError:
    return InferenceError(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within"
        " the last 5 minutes, please wait a moment and try again.",
    )


def _bad_properties(message: str) -> ArmError:
    return ArmError(400, "InvalidResourceProperties", message)


def _sku(body: dict[str, Any]) -> dict[str, Any]:
    """The SKU stands at the root of the body, not among the properties (bicep#16642)."""
    sku = body.get("sku")
    name = sku.get("name") if isinstance(sku, dict) else None
    if not isinstance(sku, dict) or not isinstance(name, str) or name.lower() not in SKUS:
        raise _bad_properties(f"The specified SKU {name!r} of account deployment is not supported.")
    capacity = sku.get("capacity", 1)
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
        raise _bad_properties(f"The capacity {capacity!r} is not a positive whole number.")
    return {"name": name, "capacity": capacity}


def _properties(body: dict[str, Any]) -> dict[str, Any]:
    properties = body.get("properties")
    return properties if isinstance(properties, dict) else {}


def _model(body: dict[str, Any]) -> dict[str, Any]:
    model = _properties(body).get("model")
    if not isinstance(model, dict) or not isinstance(model.get("name"), str):
        raise _bad_properties("The deployment has no properties.model.name.")
    return {key: model[key] for key in ("format", "name", "version") if model.get(key)}


def _upgrade(body: dict[str, Any]) -> str:
    wanted = _properties(body).get("versionUpgradeOption")
    return str(wanted or "OnceNewDefaultVersionAvailable")


def _unsupported(model: dict[str, Any]) -> ArmError:
    kind, version = model.get("format", ""), model.get("version", "")
    named = f"Format: {kind}, Name: {model['name']}, Version: {version}"
    return ArmError(
        400,
        "DeploymentModelNotSupported",
        f"The model 'Publisher: , {named}, Source: , SourceAccount: ' of account deployment is not"
        " supported.",
    )
