"""Azure Resource Manager's protocol for deployments: bodies, long-running styles, polling.

Knows how a client asks and waits; `deployments.py` decides what is made. Three styles of waiting
exist (S-ARM, S-PROBE): the URL of `Azure-AsyncOperation` gives a status, the one of `Location`
answers 202 until it is done, or the resource itself is read. The setting `long_running` chooses.
"""

import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.context import Component, Context
from ..core.errors import ArmError, ServiceError
from ..core.protocol import json_body
from ..core.store import Document
from .catalog import PROVISIONED, base_of, sku_named
from .deployment import Deployment, DeploymentRequest
from .deployments import Deployments, unsupported_model
from .listing import listing
from .model_registry import ModelRegistry, Servable
from .offers import skus
from .rate_limits import RENEWAL_SECONDS, TOKENS_PER_UNIT

RETRY_AFTER = {
    "Retry-After": "1"
}  # for the SDK's poller, which would otherwise wait 30 s (S-PROBE)
PROVIDER = "/providers/Microsoft.CognitiveServices"
ACCOUNT = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}{PROVIDER}/accounts/{{account}}"
IN_LOCATION = f"/subscriptions/{{subscription}}{PROVIDER}/locations/{{location}}"
RESULTS = f"{IN_LOCATION}/operationResults/{{id}}"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # S-SKILL: 64 of letters, digits, hyphen
UPGRADES = ("OnceNewDefaultVersionAvailable", "OnceCurrentVersionExpired", "NoAutoUpgrade")
MAX_CAPACITY = 1_000_000
DOCUMENTED = {"PUT": "async-operation", "PATCH": "location", "DELETE": "location"}  # S-ARM
# [inferred]
FAILURES = {
    "Failed": {"code": "InternalServerError", "message": "Provisioning failed."},
    "Canceled": {"code": "OperationCanceled", "message": "Provisioning was canceled."},
}


class Arm(Component):
    def __init__(self, context: Context, registry: ModelRegistry, deployments: Deployments) -> None:
        super().__init__(context)
        self._registry, self._deployments = registry, deployments

    def routes(self) -> list[Route]:
        one = f"{ACCOUNT}/deployments/{{name}}"
        return [
            Route(f"{ACCOUNT}/deployments", self.index, methods=["GET"]),
            Route(one, self.put, methods=["PUT"]),
            Route(one, self.patch, methods=["PATCH"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/skus", self.skus, methods=["GET"]),
            Route(RESULTS, self.operation, methods=["GET"]),
        ]

    # ---- endpoints ---------------------------------------------------------------------------

    async def put(self, request: Request) -> Response:
        deployment, is_new = self._deployments.put(await self._parse(request))
        headers = self._begin(request, deployment.created_at, deployment)
        return JSONResponse(self._body(deployment), 201 if is_new else 200, headers)

    async def patch(self, request: Request) -> Response:
        body = await arm_body(request)
        deployment = self._require(request)
        capacity = None
        if body.get("sku") is not None:
            capacity = _capacity(_section(body, "sku"))
        path = request.url.path
        deployment = self._deployments.patch(deployment, path, capacity, _tags(body))
        headers = self._begin(request, self._clock.now(), deployment)
        status = 202 if "Location" in headers else 200
        return JSONResponse(self._body(deployment), status, headers)

    async def index(self, request: Request) -> JSONResponse:
        value = [self._body(deployment) for deployment in self._deployments.all()]
        return listing(request, value, self._settings.current.page_limit)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._body(self._require(request)))

    async def delete(self, request: Request) -> Response:
        """204 if there is nothing to delete; else the answer of the style of waiting."""
        deployment = self._deployments.find(request.path_params["name"])
        if deployment is None:
            return Response(status_code=204)
        at_once = self._style(request) == "resource"  # there is no resource left to read
        seconds = 0.0 if at_once else self._settings.current.deleting_seconds
        done = self._deployments.delete(deployment, request.url.path, seconds)
        headers = self._begin(request, done, deployment)
        return Response(status_code=200 if at_once else 202, headers=headers)

    async def skus(self, request: Request) -> JSONResponse:
        """What the deployment could be changed to."""
        servable = self._require(request).servable
        base = base_of(servable.name)
        assert base is not None, "it was known when the deployment was made"
        value = [
            {
                "resourceType": "Microsoft.CognitiveServices/accounts/deployments",
                "sku": {"name": sku},
                "capacity": {"minimum": 1, "maximum": MAX_CAPACITY, "step": 1, "default": 1},
            }
            for sku in skus(base, servable.is_tuned, self._settings.current.location)
        ]
        return listing(request, value, self._settings.current.page_limit)

    async def operation(self, request: Request) -> Response:
        """Both styles of polling by URL: a body with `status`, and 202 until it is done."""
        operation_id = request.path_params["id"]
        record = self._store.get("operation", operation_id)
        if record is None:
            raise ArmError(404, "OperationNotFound", f"No operation {operation_id!r}.")
        deployment = self._deployments.find(record["name"])
        done = self._is_done(record, deployment)
        pace = None if done else RETRY_AFTER
        if record["style"] == "location":
            if not done:
                return Response(
                    status_code=202, headers={**RETRY_AFTER, "Location": str(request.url)}
                )
            return JSONResponse(self._body(deployment) if deployment else {}, 200)
        status = "Succeeded" if done else "InProgress"
        body: dict[str, Any] = {"id": request.url.path, "name": operation_id, "status": status}
        state = self._deployments.state(deployment) if done and deployment else None
        if state in ("Failed", "Canceled"):
            body |= {"status": state, "error": FAILURES[state]}
        return JSONResponse(body, headers=pace)

    # ---- inside ------------------------------------------------------------------------------

    async def _parse(self, request: Request) -> DeploymentRequest:
        body = await arm_body(request)
        name: str = request.path_params["name"]
        if not NAME.fullmatch(name):
            raise _bad_properties(f"The deployment name {name!r} is not valid.")
        model, tags = _model(body), _tags(body)
        return DeploymentRequest(
            id=request.url.path,
            name=name,
            sku=self._sku(body, model),
            capacity=_capacity(_section(body, "sku")),
            model=model,
            upgrade=_upgrade(body),
            tags=tags or {},
        )

    def _require(self, request: Request) -> Deployment:
        name = request.path_params["name"]
        deployment = self._deployments.find(name)
        if deployment is None:
            raise ArmError(404, "ResourceNotFound", f"The deployment {name!r} was not found.")
        return deployment

    def _is_done(self, operation: Document, deployment: Deployment | None) -> bool:
        stuck = deployment is not None and deployment.fault == "provisioning-stuck"
        waits = operation["method"] == "PUT" and stuck
        return not waits and bool(self._clock.now() >= operation["done_at"])

    def _style(self, request: Request) -> str:
        style = self._settings.current.long_running
        return DOCUMENTED[request.method] if style == "documented" else style

    def _begin(self, request: Request, done_at: float, deployment: Deployment) -> dict[str, str]:
        """Stores a long-running operation; the headers with which a client can wait for it."""
        style = self._style(request)
        if style == "resource":
            return dict(RETRY_AFTER)
        operation = str(uuid.uuid4())
        record = {"method": request.method, "done_at": done_at, "style": style}
        self._store.put("operation", operation, {**record, "name": deployment.name})
        subscription = request.path_params["subscription"]
        here = self._settings.current.location
        path = RESULTS.format(subscription=subscription, location=here, id=operation)
        header = "Location" if style == "location" else "Azure-AsyncOperation"
        return {header: str(request.url.replace(path=path)), **RETRY_AFTER}

    def _sku(self, body: dict[str, Any], model: dict[str, str]) -> str:
        """The SKU stands at the root of the body, not among the properties (bicep#16642)."""
        given = _section(body, "sku").get("name")
        name = sku_named(given) if isinstance(given, str) else None
        servable = self._registry.servable(model["name"], model.get("version"))
        base = base_of(servable.name) if servable else None
        if servable is None or base is None:
            raise unsupported_model(model)
        _check_format(servable, model)
        if name not in skus(base, servable.is_tuned, self._settings.current.location):
            version = model.get("version", "")
            raise _bad_properties(
                f"The specified SKU '{given}' of account deployment is not supported by the model"
                f" '{model['name']}' version: '{version}'."
            )
        assert name is not None
        return name

    def _body(self, deployment: Deployment) -> dict[str, Any]:
        capacity = deployment.capacity
        limits: list[dict[str, Any]] = [
            {"key": key, "renewalPeriod": RENEWAL_SECONDS, "count": count}
            for key, count in (("request", capacity), ("token", capacity * TOKENS_PER_UNIT))
        ]
        return {
            "id": deployment.id,
            "name": deployment.name,
            "type": "Microsoft.CognitiveServices/accounts/deployments",
            "etag": deployment.etag,
            "sku": {"name": deployment.sku, "capacity": capacity},
            "tags": deployment.tags,
            "systemData": {"createdAt": deployment.created},
            "properties": {
                "model": deployment.model,
                "provisioningState": self._deployments.state(deployment),
                "capabilities": {"chatCompletion": "true"},
                # Provisioned throughput is not limited by the minute.
                "rateLimits": [] if deployment.sku in PROVISIONED else limits,
                "versionUpgradeOption": deployment.upgrade,
                "currentCapacity": capacity,
            },
        }


async def arm_body(request: Request) -> dict[str, Any]:
    try:
        return await json_body(request)
    except ServiceError as error:  # in ARM's own envelope
        raise ArmError(error.status, "InvalidRequestContent", error.message) from error


def _check_format(servable: Servable, model: dict[str, str]) -> None:
    """A tuned model whose format is not its publisher's, letter by letter, meets a 500 that says
    nothing (S-SKILL deployment-formats; code and sentence: microsoft-foundry-for-vscode#570). A
    base with another format is one that is not known."""
    base, given = base_of(servable.name), model.get("format")
    assert base is not None, "the model is known"
    if not servable.is_tuned and given not in (base.format, base.base_format):
        raise unsupported_model(model)
    if servable.is_tuned and given != base.format:
        if given is None:
            raise unsupported_model(model)
        raise ArmError(500, "InternalServerError", "Internal Server Error.")


def _bad_properties(message: str) -> ArmError:
    return ArmError(400, "InvalidResourceProperties", message)


def _capacity(sku: dict[str, Any]) -> int:
    capacity = sku.get("capacity", 1)
    whole = isinstance(capacity, int) and not isinstance(capacity, bool)
    if not whole or not 1 <= capacity <= MAX_CAPACITY:
        raise _bad_properties(f"The capacity {capacity!r} is not a positive whole number.")
    return int(capacity)


def _section(body: dict[str, Any], key: str) -> dict[str, Any]:
    section = body.get(key)
    return section if isinstance(section, dict) else {}


def _model(body: dict[str, Any]) -> dict[str, str]:
    model = _section(body, "properties").get("model")
    if not isinstance(model, dict) or not isinstance(model.get("name"), str):
        raise _bad_properties("The deployment has no properties.model.name.")
    given = {key: model[key] for key in ("format", "name", "version") if model.get(key)}
    if not all(isinstance(value, str) for value in given.values()):
        raise _bad_properties("The model's format, name and version must be texts.")
    return given


def _upgrade(body: dict[str, Any]) -> str:
    option = _section(body, "properties").get("versionUpgradeOption") or UPGRADES[0]
    if option not in UPGRADES:
        raise _bad_properties(f"The versionUpgradeOption {option!r} is not known.")
    return str(option)


def _tags(body: dict[str, Any]) -> dict[str, str] | None:
    tags = body.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise _bad_properties("tags must be an object of texts.")
    return tags
