"""One deployment: what was asked for, and what follows from its timestamps. Pure.

Nothing here waits: the state is computed from the stored times and the time that is given.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from uuid import uuid4

from ..core.store import Document
from .catalog import DEVELOPER, base_of, usage_name
from .model_registry import Servable

# S-DOC: a Developer deployment lives a day, used or not; an unused one of a tuned model is
# deleted after fifteen days.
DEVELOPER_SECONDS, IDLE_SECONDS = 24 * 3600, 15 * 24 * 3600
# What is left of it, if it does not come to be (S-MGMT DeploymentProvisioningState).
ENDS = {"provisioning-failed": "Failed", "provisioning-canceled": "Canceled"}
PUT_FAULTS = ("not-ready", "provisioning-stuck", *ENDS)


def new_etag() -> str:
    return f'"{uuid4()}"'


@dataclass(frozen=True)
class DeploymentRequest:
    """The body of a PUT, checked. `model` is repeated to the client as it was given."""

    id: str  # the path
    name: str
    sku: str
    capacity: int
    model: dict[str, str]
    upgrade: str
    tags: dict[str, str]

    @property
    def account(self) -> str:
        return account_of(self.id)


@dataclass(frozen=True)
class Deployment:
    """A deployment as it is stored. `previous` answers until the new model is ready."""

    id: str
    name: str
    sku: str
    capacity: int
    model: dict[str, str]
    upgrade: str
    tags: dict[str, str]
    created: str  # ISO date of the first PUT
    servable: Servable
    requested_at: float
    used_at: float
    created_at: float
    ready_at: float
    previous: Servable | None = None
    fault: str | None = None
    gone_at: float | None = None  # set by DELETE
    etag: str = field(default_factory=new_etag)

    @classmethod
    def from_document(cls, document: Document) -> "Deployment":
        """Also one that another version of the emulator has stored, with keys of its own."""
        known = {one.name for one in fields(cls)}
        previous = document["previous"]
        return cls(
            **{
                **{key: value for key, value in document.items() if key in known},
                "servable": Servable(**document["servable"]),
                "previous": Servable(**previous) if previous else None,
            }
        )

    def as_document(self) -> Document:
        return asdict(self)

    def updated(self, **changes: Any) -> "Deployment":
        """Changed by a client: with another etag."""
        return replace(self, etag=new_etag(), **changes)

    @property
    def usage(self) -> str:
        """The quota that it counts against."""
        base = base_of(self.servable.name)
        assert base is not None, "it was known when the deployment was made"
        return usage_name(base, self.sku, self.servable.is_tuned)

    @property
    def expires_at(self) -> float:
        ends = [float("inf") if self.gone_at is None else self.gone_at]
        if self.servable.is_tuned:
            ends.append(self.used_at + IDLE_SECONDS)
        if self.sku == DEVELOPER:
            ends.append(self.requested_at + DEVELOPER_SECONDS)
        return min(ends)

    def state(self, now: float) -> str:
        """ARM's provisioningState (S-MGMT)."""
        if self.gone_at is not None:
            return "Deleting"
        if self.fault == "provisioning-stuck" or now < self.created_at:
            return "Creating"
        return ENDS.get(self.fault or "", "Succeeded")

    def is_ready(self, now: float) -> bool:
        """Whether chat answers with the model; somewhat later than ARM's Succeeded."""
        return self.fault not in PUT_FAULTS and now >= self.ready_at

    def answering(self, now: float) -> Servable | None:
        """A deployment that is given another model answers with the old one until then
        [inferred]."""
        if self.gone_at is not None:
            return None
        return self.servable if self.is_ready(now) else self.previous


def account_of(path: str) -> str:
    return path.partition("/deployments")[0]
