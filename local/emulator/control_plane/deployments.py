"""The account's deployments: what may be made, changed and deleted, and what it counts against.

Knows no HTTP (that is `arm.py`). The emulator is one account; whatever account a client names is
that one.
"""

from dataclasses import replace

from ..core.clock import iso_date
from ..core.context import Component, Context
from ..core.errors import ArmError, InferenceError
from .catalog import PROVISIONED, BaseModel, base_of, usage_name
from .deployment import PUT_FAULTS, Deployment, DeploymentRequest, account_of
from .lifecycle import Lifecycle
from .model_registry import ModelRegistry, Servable
from .rate_limits import RateLimits

USE_SAVED_EVERY = 60.0
MAX_DEPLOYMENTS = 32  # S-DOC quotas-limits


class Deployments(Component):
    def __init__(self, context: Context, registry: ModelRegistry, lifecycle: Lifecycle) -> None:
        super().__init__(context)
        self._registry, self._lifecycle = registry, lifecycle
        self._rates = RateLimits()

    # ---- for chat ----------------------------------------------------------------------------

    def answering(self, name: str) -> Servable:
        """The model behind a deployment, once it is ready to answer."""
        deployment, now = self.find(name), self._clock.now()
        if deployment is None or deployment.gone_at is not None:
            raise _no_deployment()
        enforced = self._settings.current.enforce_rate_limits
        self._rates.request(deployment.name, deployment.capacity, now, enforced=enforced)
        if now - deployment.used_at > USE_SAVED_EVERY:
            self._save(replace(deployment, used_at=now))
        servable = deployment.answering(now)
        if servable is None:
            raise _no_deployment()
        if self._lifecycle.has_ended(servable):
            raise model_retired()
        return servable

    def rate_headers(self, name: str, tokens: int) -> dict[str, str]:
        """What a chat answer that may take so many tokens tells of the deployment's limits;
        provisioned throughput has none by the minute."""
        deployment = self.find(name)
        if deployment is None or deployment.sku in PROVISIONED:
            return {}
        now = self._clock.now()
        return self._rates.headers(deployment.name, deployment.capacity, now, tokens)

    # ---- reading -----------------------------------------------------------------------------

    def find(self, name: str) -> Deployment | None:
        """The deployment; one that has expired is deleted now."""
        document = self._store.get("deployment", _key(name))
        if document is None:
            return None
        deployment = Deployment.from_document(document)
        if self._clock.now() < deployment.expires_at:
            return deployment
        self._store.delete("deployment", _key(name))
        self._journal.add_effect("deployment", deployment.name, "deleted")
        return None

    def all(self) -> list[Deployment]:
        names = [document["name"] for document in self._store.family("deployment")]
        return [deployment for name in names if (deployment := self.find(name))]

    def state(self, deployment: Deployment) -> str:
        return deployment.state(self._clock.now())

    def used(self, usage: str, without: str = "") -> int:
        """Capacity in use of one quota."""
        return sum(
            deployment.capacity
            for deployment in self.all()
            if deployment.usage == usage and _key(deployment.name) != _key(without)
        )

    def limit(self, usage: str) -> int:
        """Capacity that there may be of one quota."""
        settings = self._settings.current
        return settings.quotas.get(usage, settings.quota_capacity)

    # ---- changing ----------------------------------------------------------------------------

    def put(self, request: DeploymentRequest) -> tuple[Deployment, bool]:
        """The deployment as it will be, and whether it is new. Raises ArmError."""
        servable = self._registry.servable(request.model["name"], request.model.get("version"))
        base = base_of(servable.name) if servable else None
        if servable is None or base is None:
            raise unsupported_model(request.model)
        self._lifecycle.check_deployment(base, servable.is_tuned, request.model)
        self._check_no_write(request.account)
        existing = self.find(request.name)
        if existing and existing.gone_at is not None:
            existing = None
        if existing and self.state(existing) == "Failed":
            raise _still_failed(request.name)
        self._check_limits(existing, servable.is_tuned)
        usage = usage_name(base, request.sku, servable.is_tuned)
        self._check_quota(base, request.sku, request.capacity, usage, request.name)
        deployment = self._save(self._made(request, existing, servable))
        self._lifecycle.note_deployed(base)
        self._journal.add_effect("deployment", request.name, "updated" if existing else "created")
        return deployment, existing is None

    def patch(
        self, deployment: Deployment, path: str, capacity: int | None, tags: dict[str, str] | None
    ) -> Deployment:
        """Tags and capacity are all that can be patched (S-ARM)."""
        self._check_no_write(account_of(path))
        if capacity is None:
            capacity = deployment.capacity
        else:
            base = base_of(deployment.servable.name)
            assert base is not None, "it was known when the deployment was made"
            name, usage = deployment.name, deployment.usage
            self._check_quota(base, deployment.sku, capacity, usage, name)
        tags = deployment.tags if tags is None else tags
        changed = self._save(deployment.updated(capacity=capacity, tags=tags))
        self._journal.add_effect("deployment", deployment.name, "updated")
        return changed

    def delete(self, deployment: Deployment, path: str, seconds: float) -> float:
        """When it will be gone."""
        self._check_no_write(account_of(path))
        done = self._clock.now() + seconds
        self._save(replace(deployment, gone_at=done))
        if not seconds:
            self.find(deployment.name)
        else:
            self._journal.add_effect("deployment", deployment.name, "deleting")
        return done

    # ---- inside ------------------------------------------------------------------------------

    def _save(self, deployment: Deployment) -> Deployment:
        self._store.put("deployment", _key(deployment.name), deployment.as_document())
        return deployment

    def _made(
        self, request: DeploymentRequest, existing: Deployment | None, servable: Servable
    ) -> Deployment:
        now = self._clock.now()
        asked = vars(request)
        if existing and existing.state(now) == "Succeeded" and existing.servable == servable:
            # Only its capacity changes: nothing is created.
            return existing.updated(**{**asked, "id": existing.id, "name": existing.name})
        fault = self._faults.trigger(*PUT_FAULTS)
        created_at = now + self._settings.current.creating_seconds
        return Deployment(
            **asked,
            created=existing.created if existing else iso_date(now),
            servable=servable,
            previous=existing.servable if existing and existing.is_ready(now) else None,
            requested_at=now,
            used_at=now,
            created_at=created_at,
            ready_at=created_at + self._settings.current.readiness_gap_seconds,
            fault=fault.fault if fault else None,
        )

    def _check_no_write(self, account: str) -> None:
        """One write at a time for the whole account (terraform-provider-azurerm#22607)."""
        struck = self._faults.trigger("request-conflict")
        busy = any(self.state(one) in ("Creating", "Deleting") for one in self.all())
        if struck or (busy and self._settings.current.write_conflicts):
            raise ArmError(
                409,
                "RequestConflict",
                f"Another operation is being performed on the parent resource '{account}'. Please"
                " try again later.",
            )

    def _check_limits(self, existing: Deployment | None, tuned: bool) -> None:
        if existing:
            return
        deployments, limit = self.all(), self._settings.current.deployment_limit
        if tuned and sum(one.servable.is_tuned for one in deployments) >= limit:
            # The limit is S-DOC's; code and message are not documented.
            raise ArmError(
                400, "QuotaExceeded", f"The resource has {limit} fine-tuned deployments already."
            )
        if len(deployments) >= MAX_DEPLOYMENTS:
            raise ArmError(400, "QuotaExceeded", "The resource has 32 deployments already.")

    def _check_quota(self, base: BaseModel, sku: str, capacity: int, usage: str, name: str) -> None:
        used, limit = self.used(usage, without=name), self.limit(usage)
        available = limit - used
        struck = self._faults.trigger("insufficient-quota")
        if not struck and capacity <= available:
            return
        if struck:
            used, available = limit, 0
        quota = f"quota {quota_title(base, sku)}"
        raise ArmError(
            400,
            "InsufficientQuota",
            f"This operation require {capacity} new capacity in {quota}, which is bigger"
            f" than the current available capacity {available}. The current quota usage is {used}"
            f" and the quota limit is {limit} for {quota}.",
        )


def quota_title(base: BaseModel, sku: str) -> str:
    if sku in PROVISIONED:
        return f"Provisioned Throughput Unit - {base.name}"  # [inferred]
    return f"Tokens Per Minute (thousands) - {base.name}"


def unsupported_model(model: dict[str, str]) -> ArmError:
    kind, version = model.get("format", ""), model.get("version", "")
    named = f"Format: {kind}, Name: {model['name']}, Version: {version}"
    return ArmError(
        400,
        "DeploymentModelNotSupported",
        f"The model 'Publisher: , {named}, Source: , SourceAccount: ' of account deployment is not"
        " supported.",
    )


def _still_failed(name: str) -> ArmError:
    """The service's words and code (microsoft-foundry-for-vscode#554)."""
    return ArmError(
        400,
        "BadRequest",
        f"The deployment '{name}' is in 'Failed' state, please delete it before creating a new"
        " one.",
    )


def model_retired() -> InferenceError:
    """In the service's words (ai-dial-chat#4403)."""
    return InferenceError(
        410,
        "ModelDeprecated",
        "The model associated with the deployment is deprecated and no longer available for use."
        " Please refer to the Azure OpenAI service documentation for more information.",
    )


def _no_deployment() -> InferenceError:
    return InferenceError(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within"
        " the last 5 minutes, please wait a moment and try again.",
    )


def _key(name: str) -> str:
    return name.lower()
