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
from ..core.regions import region_named
from .arm import ACCOUNT, IN_LOCATION, MAX_CAPACITY, PROVIDER
from .catalog import BASE_MODELS, SKUS, BaseModel, usage_name
from .deployments import Deployments, quota_title
from .lifecycle import Lifecycle
from .listing import listing
from .offers import skus, tiers

CAPACITIES = f"/subscriptions/{{subscription}}{PROVIDER}/modelCapacities"
BOTH = (False, True)  # a base itself, and what is made from it


class Account(Component):
    def __init__(
        self, context: Context, deployments: Deployments, lifecycle: Lifecycle, key: str
    ) -> None:
        super().__init__(context)
        self._deployments, self._lifecycle, self._key = deployments, lifecycle, key

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
        here, settings = str(request.base_url).rstrip("/"), self._settings.current
        name = request.path_params["account"]
        subdomain = {"customSubDomainName": name} if settings.custom_subdomain else {}
        return JSONResponse(
            {
                "id": request.url.path,
                "name": name,
                "type": "Microsoft.CognitiveServices/accounts",
                "location": settings.location,
                "kind": "OpenAI",
                "sku": {"name": "S0"},
                "properties": {
                    "provisioningState": "Succeeded",
                    "endpoint": f"{here}/",
                    "endpoints": {"OpenAI LanguageModel Model Instance API": f"{here}/"},
                    "publicNetworkAccess": "Enabled",
                    "disableLocalAuth": settings.disable_local_auth,
                    **subdomain,
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
        here = self._settings.current.location
        value = [self._model(base, here) for base in BASE_MODELS]
        return listing(request, value, self._settings.current.page_limit)

    async def location_models(self, request: Request) -> JSONResponse:
        """Of any region, not of the account's alone; each once for every kind of account that may
        have it (S-USAGE)."""
        location = self._location(request)
        value = [
            {"kind": kind, "skuName": "S0", "model": self._model(base, location)}
            for base in BASE_MODELS
            for kind in (("AIServices", "MaaS") if base.is_open else ("OpenAI", "AIServices"))
        ]
        return listing(request, value, self._settings.current.page_limit)

    async def usages(self, request: Request) -> JSONResponse:
        """?$filter=name.value eq '...' is honoured; another filter is refused."""
        is_here = self._location(request) == self._settings.current.location
        filtered = _filtered_name(request.query_params.get("$filter"))
        value = [
            {
                "name": {"value": name, "localizedValue": title},
                "currentValue": float(self._deployments.used(name)) if is_here else 0.0,
                "limit": float(self._deployments.limit(name)),
                "unit": "Count",
                "status": "Included",
            }
            for name, title in _quotas().items()
            if filtered in (None, name)
        ]
        return listing(request, value, self._settings.current.page_limit)

    async def capacities(self, request: Request) -> JSONResponse:
        """?modelFormat=OpenAI&modelName=...&modelVersion=...: what is left of it, by SKU."""
        location = self._location(request)
        asked = [request.query_params.get(f"model{key}") for key in ("Format", "Name", "Version")]
        value = [
            self._capacity(request.url.path, base, sku, location)
            for base in BASE_MODELS
            if asked == [base.base_format, base.name, base.version]
            for sku in SKUS
        ]
        return listing(request, value, self._settings.current.page_limit)

    def _capacity(self, path: str, base: BaseModel, sku: str, location: str) -> dict[str, Any]:
        left = [
            self._left(usage_name(base, sku, tuned), location)
            if sku in skus(base, tuned, location)
            else 0
            for tuned in BOTH
        ]
        return {
            "id": f"{path}/{base.name}.{base.version}.{sku}",
            "name": f"{base.name}.{base.version}.{sku}",
            "type": "Microsoft.CognitiveServices/modelCapacities",
            "location": location,
            "properties": {
                "model": {"format": base.base_format, "name": base.name, "version": base.version},
                "skuName": sku,
                "availableCapacity": float(left[0]),
                "availableFinetuneCapacity": float(left[1]),
            },
        }

    def _left(self, usage: str, location: str) -> int:
        is_here = location == self._settings.current.location
        return self._deployments.limit(usage) - (self._deployments.used(usage) if is_here else 0)

    def _location(self, request: Request) -> str:
        """The one in the address; the account's where it names none."""
        asked = request.path_params.get("location", self._settings.current.location)
        location = region_named(asked)
        if location is None:
            said = f"No registered resource provider found for location '{asked}'."  # [inferred]
            raise ArmError(400, "NoRegisteredProviderFound", said)
        return location

    def _model(self, base: BaseModel, location: str) -> dict[str, Any]:
        dates = {"inference": iso_date(base.ends.base)}
        if base.ends.training is not None:
            dates["fineTune"] = iso_date(base.ends.training)
        return {
            "format": base.base_format,
            "name": base.name,
            "version": base.version,
            "isDefaultVersion": True,
            "maxCapacity": MAX_CAPACITY,
            "deprecation": dates,
            "lifecycleStatus": self._lifecycle.status(base),
            "systemData": {},
            "skus": _skus(base, location),
            **_capabilities(base, location),
        }


def _quotas() -> dict[str, str]:
    """Every counter and its title; what a SKU's `usageName` names."""
    return {
        usage_name(base, sku, tuned): quota_title(base, sku)
        for base in BASE_MODELS
        for tuned in BOTH
        for sku in (base.tuned_skus if tuned else base.base_skus)
    }


def _capabilities(base: BaseModel, location: str) -> dict[str, Any]:
    """S-DOC; which keys a model of this kind has beyond the two of tokens is [inferred], and so are
    all of finetuneCapabilities."""
    trains, answers = tiers(base, location), dict.fromkeys(base.operations, "true")
    limits = {
        "FineTuneTokensMaxValue": "2000000000",
        "FineTuneTokensMaxValuePerExample": str(base.tokens_per_example),
    }
    if not trains:
        return {"capabilities": answers, "finetuneCapabilities": None}
    return {
        "capabilities": {**answers, "fineTune": "true", **limits},
        "finetuneCapabilities": {
            "fineTune": "true",
            "supportedMethods": ",".join(base.methods),
            "supportedTrainingTypes": ",".join(trains),
        },
    }


def _skus(base: BaseModel, location: str) -> list[dict[str, Any]]:
    """Each with the counter to check before deploying: base and tuned have one each, under the same
    name (azure-dev's tests). Open ones have no least and no step (S-USAGE); that a tuned one's date
    is its own is [inferred]."""
    least: dict[str, int] = {} if base.is_open else {"minimum": 1, "step": 1}
    default = 500 if base.is_open else 10
    return [
        {
            "name": sku,
            "usageName": usage_name(base, sku, tuned),
            "capacity": {**least, "maximum": MAX_CAPACITY, "default": default},
            "deprecationDate": iso_date(base.ends.tuned if tuned else base.ends.base),
        }
        for tuned in BOTH
        for sku in skus(base, tuned, location)
    ]


def _filtered_name(query: str | None) -> str | None:
    if query is None:
        return None
    prefix, _, name = query.partition(" eq ")
    if prefix.strip() != "name.value" or not name:
        raise ArmError(400, "InvalidFilter", f"The filter {query!r} is not supported.")
    return name.strip().strip("'")
