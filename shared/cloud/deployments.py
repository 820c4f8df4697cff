"""The control plane (Azure Resource Manager): deployments of models on the Azure OpenAI account.

The only module that imports `azure.mgmt`. It never waits for a long-running operation: a function
lives for seconds, so the state of the resource itself is read again at the next tick.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.identity import Credential, LoopbackBearerPolicy, is_local_http
from shared.cloud.pages import each_once
from shared.cloud.remote import LONGEST_STATUS, readable
from shared.cloud.translate import (
    CONTROL_PLANE,
    MISSHAPEN,
    misshapen,
    service_error,
    unreachable,
)
from shared.errors import Refused

if TYPE_CHECKING:
    from azure.mgmt.cognitiveservices.aio import CognitiveServicesManagementClient

    from shared.settings import Settings


SERVICE = CONTROL_PLANE
# ARM's provisioningState (DeploymentProvisioningState of the 2025-09-01 API, and what other
# resources of Azure tell); compared without regard to case.
ENDED_BADLY = {"Failed", "Canceled", "Disabled"}
GOES_ON = {"Accepted", "Creating", "Updating", "Moving", "Deleting"}
STATES = ENDED_BADLY | GOES_ON | {"Succeeded"}
SPELLINGS = {"cancelled": "Canceled", "inprogress": "Creating", "running": "Creating"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """`state` is one of STATES or, as the service spells it, one that is not known. `capacity` is
    in thousands of tokens per minute; it, `sku` and the model's `version` are empty where they are
    not told."""

    name: str
    model: str
    state: str
    sku: str = ""
    capacity: int = 0
    version: str = ""


class Deployments:
    """Every method raises Unavailable (ask again later; Denied: once there is a right to) or
    Refused (asking again is no use)."""

    def __init__(
        self,
        client: "CognitiveServicesManagementClient",
        resource_group: str,
        account: str,
    ) -> None:
        self.client = client
        self.where = (resource_group, account)

    @classmethod
    def connect(cls, settings: "Settings", credential: Credential) -> "Deployments":
        from azure.mgmt.cognitiveservices.aio import CognitiveServicesManagementClient

        scope = "https://management.azure.com/.default"
        extra: dict[str, Any] = {}
        if is_local_http(settings.arm_endpoint):
            extra["authentication_policy"] = LoopbackBearerPolicy(credential(), scope)
        client = CognitiveServicesManagementClient(
            credential(),
            settings.subscription_id,
            base_url=settings.arm_endpoint,
            credential_scopes=[scope],
            retry_total=0,  # the next tick looks again
            **extra,
        )
        return cls(client, settings.resource_group, settings.account)

    async def close(self) -> None:
        await self.client.close()

    async def get(self, name: str) -> Deployment | None:
        try:
            with _translated(f"read deployment {name}"):
                return _deployment(await self.client.deployments.get(*self.where, name))
        except ResourceNotFoundError:
            return None

    async def list(self) -> "list[Deployment]":
        """Every deployment of the account, whosesoever it is."""
        with _translated("list deployments"):
            listed = self.client.deployments.list(*self.where)
            once = each_once(listed, lambda resource: resource.name)
            return [_deployment(resource) async for resource in once]

    async def put(
        self, name: str, model: str, sku: str, capacity: int, format: str = "OpenAI"
    ) -> None:
        """Ask for a deployment of a fine-tuned model, or for another capacity of one that is there;
        returns when ARM has accepted it. `format` is ARM's of the model's base."""
        from azure.mgmt.cognitiveservices import models

        wanted = models.Deployment(
            sku=models.Sku(name=sku, capacity=capacity),
            properties=models.DeploymentProperties(
                # A fine-tuned model's version is always "1".
                model=models.DeploymentModel(format=format, name=model, version="1"),
                version_upgrade_option="NoAutoUpgrade",
            ),
        )
        try:
            with _translated(f"deploy {model} as {name}"):
                await self.client.deployments.begin_create_or_update(
                    *self.where, name, wanted, polling=False
                )
        except ResourceNotFoundError as error:
            raise Refused(
                f"Azure Resource Manager knows no account {self.where[1]} in {self.where[0]}.",
                "Correct AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP or AZURE_OPENAI_ACCOUNT.",
                blame="caller",
            ) from error

    async def delete(self, name: str) -> None:
        """Ask for its deletion; one that is not there is deleted already."""
        with _translated(f"delete deployment {name}"), suppress(ResourceNotFoundError):
            await self.client.deployments.begin_delete(*self.where, name, polling=False)


def _deployment(resource: Any) -> Deployment:
    properties = resource.properties
    sku = str(resource.sku.name) if resource.sku else ""
    capacity = int(getattr(resource.sku, "capacity", None) or 0)
    version = str(getattr(properties.model, "version", None) or "")
    state = state_of(properties)
    return Deployment(resource.name, properties.model.name, state, sku, capacity, version)


def state_of(properties: Any) -> str:
    told = getattr(properties, "provisioning_state", None)
    told = str(getattr(told, "value", told) or "Accepted")
    bare = told.replace(" ", "").lower()
    known = {state.lower(): state for state in STATES} | SPELLINGS
    return known.get(bare, readable(told)[:LONGEST_STATUS])


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """The SDK's exceptions, and those over an answer of another shape, as this project's errors;
    ResourceNotFoundError passes."""
    try:
        yield
    except ResourceNotFoundError:
        raise
    except HttpResponseError as error:
        raise service_error(SERVICE, operation, error, fix=OPENAI_ROLE) from error
    except AzureError as error:
        raise unreachable(SERVICE, operation, error) from error
    except MISSHAPEN as error:
        raise misshapen(SERVICE, operation) from error
