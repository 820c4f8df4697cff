"""The account and what it may use: keys, models, quotas. The read side of the control plane.

Limits of quotas come from the settings, models from the catalog. Knows of deployments only the
capacity that they take.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..core.clock import iso_date
from ..core.context import Component, Context
from ..core.errors import ArmError
from .arm import ACCOUNT, MAX_CAPACITY, PROVIDER
from .catalog import BASE_MODELS, SKUS, BaseModel, allows, usage_name
from .deployments import Deployments, quota_title
from .listing import listing

CAPACITIES = f"/subscriptions/{{subscription}}{PROVIDER}/modelCapacities"
IN_LOCATION = f"/subscriptions/{{subscription}}{PROVIDER}/locations/{{location}}"


class Account(Component):
    def __init__(self, context: Context, deployments: Deployments, key: str) -> None:
        super().__init__(context)
        self._deployments, self._key = deployments, key

    def routes(self) -> list[Route]:
        return [
            Route(ACCOUNT, self.show, methods=["GET"]),
            Route(f"{ACCOUNT}/listKeys", self.keys, methods=["POST"]),
            Route(f"{ACCOUNT}/models", self.account_models, methods=["GET"]),
            Route(f"{ACCOUNT}/usages", self.usages, methods=["GET"]),
            Route(f"{IN_LOCATION}/models", self.location_models, methods=["GET"]),
            Route(f"{IN_LOCATION}/usages", self.usages, methods=["GET"]),
            Route(f"{IN_LOCATION}/modelCapacities", self.capacities, methods=["GET"]),
            Route(CAPACITIES, self.capacities, methods=["GET"]),
        ]

    async def show(self, request: Request) -> JSONResponse:
        here = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                "id": request.url.path,
                "name": request.path_params["account"],
                "type": "Microsoft.CognitiveServices/accounts",
                "location": self._settings.current.location,
                "kind": "OpenAI",
                "sku": {"name": "S0"},
                "properties": {
                    "provisioningState": "Succeeded",
                    "endpoint": f"{here}/",
                    "endpoints": {"OpenAI LanguageModel Model Instance API": f"{here}/"},
                    "publicNetworkAccess": "Enabled",
                    "disableLocalAuth": self._settings.current.disable_local_auth,
                },
            }
        )

    async def keys(self, request: Request) -> JSONResponse:
        if self._settings.current.disable_local_auth:  # microsoft-foundry-for-vscode#192
            said = "Failed to list key. disableLocalAuth is set to be true"
            raise ArmError(400, "BadRequest", said)
        # One key under both names: the emulator has nothing to rotate.
        return JSONResponse({"key1": self._key, "key2": self._key})

    async def account_models(self, request: Request) -> JSONResponse:
        value = [{**_model(base), "skus": _skus(base)} for base in BASE_MODELS]
        return listing(request, value, self._settings.current.page_limit)

    async def location_models(self, request: Request) -> JSONResponse:
        self._require_location(request)
        value = [
            {"kind": "OpenAI", "skuName": "S0", "model": {**_model(base), "skus": _skus(base)}}
            for base in BASE_MODELS
        ]
        return listing(request, value, self._settings.current.page_limit)

    async def usages(self, request: Request) -> JSONResponse:
        """?$filter=name.value eq '...' is honoured; another filter is refused."""
        if "location" in request.path_params:
            self._require_location(request)
        filtered = _filtered_name(request.query_params.get("$filter"))
        value = [
            {
                "name": {"value": name, "localizedValue": title},
                "currentValue": float(self._deployments.used(name)),
                "limit": float(self._settings.current.quota_capacity),
                "unit": "Count",
                "status": "Included",
            }
            for name, title in _quotas().items()
            if filtered in (None, name)
        ]
        return listing(request, value, self._settings.current.page_limit)

    async def capacities(self, request: Request) -> JSONResponse:
        """?modelFormat=OpenAI&modelName=...&modelVersion=...: what is left of it, by SKU."""
        if "location" in request.path_params:
            self._require_location(request)
        asked = [request.query_params.get(f"model{key}") for key in ("Format", "Name", "Version")]
        value = [
            self._capacity(request.url.path, base, sku)
            for base in BASE_MODELS
            if asked == ["OpenAI", base.name, base.version]
            for sku in SKUS
        ]
        return listing(request, value, self._settings.current.page_limit)

    def _capacity(self, path: str, base: BaseModel, sku: str) -> dict[str, Any]:
        left = [
            self._settings.current.quota_capacity
            - self._deployments.used(usage_name(base, sku, tuned))
            if allows(base, sku, tuned)
            else 0
            for tuned in (False, True)
        ]
        return {
            "id": f"{path}/{base.name}.{base.version}.{sku}",
            "name": f"{base.name}.{base.version}.{sku}",
            "type": "Microsoft.CognitiveServices/modelCapacities",
            "location": self._settings.current.location,
            "properties": {
                "model": {"format": "OpenAI", "name": base.name, "version": base.version},
                "skuName": sku,
                "availableCapacity": float(left[0]),
                "availableFinetuneCapacity": float(left[1]),
            },
        }

    def _require_location(self, request: Request) -> None:
        location = request.path_params["location"]
        here = self._settings.current.location
        if location.lower() != here:
            raise ArmError(
                400, "NoRegisteredProviderFound", f"The emulator is in {here}, not {location}."
            )


def _quotas() -> dict[str, str]:
    """Every counter and its title; what a SKU's `usageName` names."""
    return {
        usage_name(base, sku, tuned): quota_title(base, sku)
        for base in BASE_MODELS
        for tuned in (False, True)
        for sku in SKUS
        if allows(base, sku, tuned)
    }


def _model(base: BaseModel) -> dict[str, Any]:
    return {
        "format": "OpenAI",
        "name": base.name,
        "version": base.version,
        "isDefaultVersion": True,
        "maxCapacity": MAX_CAPACITY,
        # S-DOC; which keys a model of this kind has beyond the two is [inferred].
        "capabilities": {
            "chatCompletion": "true",
            "fineTune": "true",
            "FineTuneTokensMaxValue": "2000000000",
            "FineTuneTokensMaxValuePerExample": str(base.tokens_per_example),
        },
        "finetuneCapabilities": {
            "fineTune": "true",
            "supportedMethods": ",".join(base.methods),  # [inferred]
        },
        "deprecation": {
            "fineTune": iso_date(base.training_ends),
            "inference": iso_date(base.inference_ends),
        },
        "lifecycleStatus": "GenerallyAvailable",
        "systemData": {},
    }


def _skus(base: BaseModel) -> list[dict[str, Any]]:
    """Each with the counter to check before deploying: base and tuned have one each."""
    return [
        {
            "name": sku,
            "usageName": usage_name(base, sku, tuned),
            "capacity": {"minimum": 1, "maximum": MAX_CAPACITY, "step": 1, "default": 1},
            "deprecationDate": iso_date(base.inference_ends),
        }
        for tuned in (False, True)
        for sku in SKUS
        if allows(base, sku, tuned)
    ]


def _filtered_name(query: str | None) -> str | None:
    if query is None:
        return None
    prefix, _, name = query.partition(" eq ")
    if prefix.strip() != "name.value" or not name:
        raise ArmError(400, "InvalidFilter", f"The filter {query!r} is not supported.")
    return name.strip().strip("'")
