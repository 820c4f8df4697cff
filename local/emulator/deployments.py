"""Deployments of models: what state each is in, what it counts against, how long it lives.

Nothing here waits: every state follows from stored timestamps and the clock. Knows no HTTP (that is
`arm.py`). The emulator is one account; whatever account a client names is that one.
"""

import uuid
from collections import deque
from typing import Any

from .catalogue import DEVELOPER, PROVISIONED, BaseModel, base_of, usage_name
from .clock import iso_date
from .errors import ArmError, InferenceError
from .models import Models, Servable
from .room import Common, Room
from .store import Document

NEVER = float("inf")
STANDARD_TOKENS_PER_UNIT = 1000  # one unit of capacity is 1K tokens per minute
RENEWAL_SECONDS = 60
# S-DOC: a Developer deployment lives a day, used or not; one of a tuned model that nobody asks
# anything goes after fifteen.
DEVELOPER_SECONDS, IDLE_SECONDS = 24 * 3600, 15 * 24 * 3600
USE_NOTED_EVERY = 60.0
MOST_DEPLOYMENTS = 32  # S-DOC quotas-limits
PUT_FAULTS = ("not-ready", "provisioning-failed", "provisioning-stuck")


class Deployments(Room):
    def __init__(self, common: Common, models: Models) -> None:
        super().__init__(common)
        self._models = models
        self._calls: dict[str, deque[float]] = {}

    # ---- for chat ----------------------------------------------------------------------------

    def answering(self, name: str) -> Servable:
        """The model behind a deployment, once it is ready to answer."""
        record = self.find(name)
        if record is None or "_gone_at" in record:
            raise _no_deployment()
        self._limit(record)
        if self._clock.now() - record["_used_at"] > USE_NOTED_EVERY:
            self._store.put("deployment", _key(name), record | {"_used_at": self._clock.now()})
        if self._ready(record):
            return Servable(**record["_model"])
        # A deployment that is given another model answers with the old one until then [inferred].
        if record["_previous"] is None:
            raise _no_deployment()
        return Servable(**record["_previous"])

    def _ready(self, record: Document) -> bool:
        if record["_fault"] in PUT_FAULTS:
            return False
        return bool(self._clock.now() >= record["_ready_at"])

    def _limit(self, record: Document) -> None:
        """Requests per minute, by the deployment's own rateLimits, if the settings say so."""
        if not self._switches.now.enforce_rate_limits:
            return
        now, calls = self._clock.now(), self._calls.setdefault(record["name"], deque())
        while calls and calls[0] <= now - RENEWAL_SECONDS:
            calls.popleft()
        if len(calls) >= record["sku"]["capacity"]:
            pause = max(1, int(calls[0] + RENEWAL_SECONDS - now) + 1)
            refusal = InferenceError(
                429, "429", "Requests have exceeded the call rate limit of the deployment."
            )
            refusal.headers = {"Retry-After": str(pause), "retry-after-ms": str(pause * 1000)}
            raise refusal
        calls.append(now)

    # ---- looking -----------------------------------------------------------------------------

    def find(self, name: str) -> Document | None:
        """The record, unless its time is up: then it goes now."""
        record = self._store.get("deployment", _key(name))
        if record and self._clock.now() >= self._end(record):
            self._store.delete("deployment", _key(name))
            self._journal.note("deployment", record["name"], "deleted")
            return None
        return record

    def all(self) -> list[Document]:
        names = [record["name"] for record in self._store.family("deployment")]
        return [record for name in names if (record := self.find(name))]

    def _end(self, record: Document) -> float:
        ends = [record.get("_gone_at", NEVER)]
        if record["_tuned"]:
            ends.append(record["_used_at"] + IDLE_SECONDS)
        if record["sku"]["name"] == DEVELOPER:
            ends.append(record["_asked_at"] + DEVELOPER_SECONDS)
        return float(min(ends))

    def state(self, record: Document) -> str:
        """ARM's provisioningState (S-MGMT)."""
        if "_gone_at" in record:
            return "Deleting"
        if record["_fault"] == "provisioning-stuck" or self._clock.now() < record["_created_at"]:
            return "Creating"
        return "Failed" if record["_fault"] == "provisioning-failed" else "Succeeded"

    def used(self, usage: str, without: str = "") -> int:
        """Capacity in use of one quota."""
        return sum(
            int(record["sku"]["capacity"])
            for record in self.all()
            if record["_usage"] == usage and _key(record["name"]) != _key(without)
        )

    # ---- changing ----------------------------------------------------------------------------

    def put(
        self, path: str, name: str, sku: dict[str, Any], model: dict[str, Any], extra: Document
    ) -> tuple[Document, bool]:
        """The deployment as it will be, and whether it is new. Raises ArmError."""
        servable = self._models.servable(model["name"], model.get("version"))
        base = base_of(servable.name) if servable else None
        if servable is None or base is None:
            raise unsupported_model(model)
        self._require_no_write(path)
        existing = self.find(name)
        if existing and "_gone_at" in existing:
            existing = None
        tuned = ".ft-" in servable.name
        self._require_room(existing, tuned)
        self.require_quota(base, sku, tuned, name)
        record = self._record(path, name, existing, servable)
        record |= {"sku": sku, "model": model, **extra}
        record |= {"_tuned": tuned, "_usage": usage_name(base, sku["name"], tuned)}
        self._store.put("deployment", _key(name), record)
        self._journal.note("deployment", name, "updated" if existing else "created")
        return record, existing is None

    def patch(self, record: Document, path: str, capacity: int | None, tags: Any) -> Document:
        """Tags and capacity are all that can be patched (S-ARM)."""
        self._require_no_write(path)
        if capacity is not None:
            base = base_of(record["_model"]["name"])
            assert base is not None, "it was known when the deployment was made"
            sku = {**record["sku"], "capacity": capacity}
            self.require_quota(base, sku, record["_tuned"], record["name"])
            record["sku"] = sku
        if tags is not None:
            record["tags"] = tags
        record["etag"] = _etag()
        self._store.put("deployment", _key(record["name"]), record)
        self._journal.note("deployment", record["name"], "updated")
        return record

    def delete(self, record: Document, path: str, seconds: float) -> float:
        """When it will be gone."""
        self._require_no_write(path)
        done = self._clock.now() + seconds
        self._store.put("deployment", _key(record["name"]), {**record, "_gone_at": done})
        if not seconds:
            self.find(record["name"])
        else:
            self._journal.note("deployment", record["name"], "deleting")
        return done

    # ---- inside ------------------------------------------------------------------------------

    def _record(
        self, path: str, name: str, existing: Document | None, servable: Servable
    ) -> Document:
        model = {"name": servable.name, "adapter": servable.adapter}
        settled = existing and self.state(existing) == "Succeeded"
        if existing and settled and existing["_model"] == model:
            return existing | {"etag": _etag()}  # only its capacity changes: nothing is created
        now, fault = self._clock.now(), self._faults.take(*PUT_FAULTS)
        answered = existing is not None and self._ready(existing)
        created_at = now + self._switches.now.creating_seconds
        return {
            "id": path,
            "name": name,
            "etag": _etag(),
            "created": existing["created"] if existing else iso_date(now),
            "_model": model,
            "_previous": existing["_model"] if existing and answered else None,
            "_asked_at": now,
            "_used_at": now,
            "_created_at": created_at,
            "_ready_at": created_at + self._switches.now.readiness_gap_seconds,
            "_fault": fault["fault"] if fault else None,
        }

    def _require_no_write(self, path: str) -> None:
        """One write at a time for the whole account (terraform-provider-azurerm#22607)."""
        struck = self._faults.take("request-conflict")
        busy = any(self.state(record) in ("Creating", "Deleting") for record in self.all())
        if struck or (busy and self._switches.now.write_conflicts):
            account = path.partition("/deployments")[0]
            raise ArmError(
                409,
                "RequestConflict",
                f"Another operation is being performed on the parent resource '{account}'. Please"
                " try again later.",
            )

    def _require_room(self, existing: Document | None, tuned: bool) -> None:
        if existing:
            return
        records, limit = self.all(), self._switches.now.deployment_limit
        if tuned and sum(record["_tuned"] for record in records) >= limit:
            # The limit is S-DOC's; code and wording are not known (reference: not found).
            raise ArmError(
                400, "QuotaExceeded", f"The resource has {limit} fine-tuned deployments already."
            )
        if len(records) >= MOST_DEPLOYMENTS:
            raise ArmError(400, "QuotaExceeded", "The resource has 32 deployments already.")

    def require_quota(self, base: BaseModel, sku: dict[str, Any], tuned: bool, name: str) -> None:
        usage = usage_name(base, sku["name"], tuned)
        used, limit = self.used(usage, without=name), self._switches.now.quota_capacity
        available = limit - used
        struck = self._faults.take("insufficient-quota")
        if not struck and sku["capacity"] <= available:
            return
        if struck:
            used, available = limit, 0
        quota = f"quota {quota_title(base, sku['name'])}"
        raise ArmError(
            400,
            "InsufficientQuota",
            f"This operation require {sku['capacity']} new capacity in {quota}, which is bigger"
            f" than the current available capacity {available}. The current quota usage is {used}"
            f" and the quota limit is {limit} for {quota}.",
        )


def quota_title(base: BaseModel, sku: str) -> str:
    if sku in PROVISIONED:
        return f"Provisioned Throughput Unit - {base.name}"  # [inferred]
    return f"Tokens Per Minute (thousands) - {base.name}"


def unsupported_model(model: dict[str, Any]) -> ArmError:
    kind, version = model.get("format", ""), model.get("version", "")
    named = f"Format: {kind}, Name: {model['name']}, Version: {version}"
    return ArmError(
        400,
        "DeploymentModelNotSupported",
        f"The model 'Publisher: , {named}, Source: , SourceAccount: ' of account deployment is not"
        " supported.",
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


def _etag() -> str:
    return f'"{uuid.uuid4()}"'
