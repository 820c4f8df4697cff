"""A version's deployment: asked for, looked after until it is ready, probed by a real chat.

Decides what to do about what Azure Resource Manager says; speaks to it through `cloud`.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.catalog import lookup
from shared.cloud.deployments import ENDED_BADLY, STATES, Deployment, Deployments
from shared.cloud.finetuning import FineTuning
from shared.errors import Refused, ServiceError, Unavailable
from shared.model.registry import Version

PROBE = "Say hello."
OPENAI = "OpenAI"  # the format of OpenAI's own models, and of those that the catalog does not know
# The control plane's "Succeeded" comes minutes before the data plane answers.
NOT_READY_CODES = {"DeploymentNotFound", "DeploymentNotReady"}


class Deleted(Unavailable):
    """What was there in the way of a version's deployment is deleted first."""


class Readiness(StrEnum):
    READY = "ready"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a deployment is. `strange` is what a person should know of its state, if anything."""

    readiness: Readiness
    strange: str = ""


async def request(deployments: Deployments, version: Version) -> None:
    """Ask for the version's deployment, or find the one that an earlier try has asked for.

    Azure takes no request for one that has failed until that is deleted: it is, and asked for anew
    at the next look. So is one of another SKU; another capacity is asked of the same. Raises
    Refused if the name is taken by another model's deployment, which is left alone, or where Azure
    refuses it, and Deleted while an earlier one is being deleted.
    """
    there = await find(deployments, version)
    if there and there.state in ENDED_BADLY:
        await deployments.delete(there.name)
        raise Deleted(
            f"The deployment {there.name} of an earlier try ended as {there.state}: it is deleted "
            "first, then asked for anew."
        )
    if there and there.state == "Deleting":
        raise Deleted(f"The deployment {there.name} of an earlier try is being deleted.")
    if there and there.sku.lower() not in ("", version.sku.lower()):
        await deployments.delete(there.name)
        raise Deleted(
            f"The deployment {there.name} of an earlier try is {there.sku}: it is deleted first, "
            f"then asked for as {version.sku}."
        )
    if there is None or there.capacity not in (0, version.capacity):
        await put(deployments, version)


async def change(deployments: Deployments, version: Version) -> bool:
    """Ask for the version's deployment to be as the version says; whether there was one. Raises
    Refused, and Unavailable: it is then as it was."""
    there = await find(deployments, version)
    if there and there.state in ENDED_BADLY:
        raise Refused(
            f"The deployment {there.name} is {there.state} and takes no change.",
            "Delete it (az cognitiveservices account deployment delete), then ask again: it is "
            "made anew.",
        )
    await put(deployments, version)
    return there is not None


async def put(deployments: Deployments, version: Version) -> None:
    await deployments.put(
        version.deployment,
        version.fine_tuned_model,
        version.sku,
        version.capacity,
        format=format_of(version.base_model),
    )


def format_of(base_model: str) -> str:
    """Azure Resource Manager's format of a model that was tuned from this one: with another than
    its own it answers 500, without a reason."""
    known = lookup.find_model(base_model)
    return known.format if known else OPENAI


def offered_skus(base_model: str) -> tuple[str, ...] | None:
    """The SKUs that a model tuned from this one may have, as far as the catalog says. None: not
    known."""
    known = lookup.find_model(base_model)
    return known.skus if known else None


async def find(deployments: Deployments, version: Version) -> Deployment | None:
    """The version's deployment, if there is one. Raises Refused if it is another model's."""
    there = await deployments.get(version.deployment)
    if there:
        _must_be_ours(there, version)
    return there


async def withdraw(deployments: Deployments, name: str, model: str) -> bool:
    """Delete the deployment of that name, if there is one and it serves this model; whether
    nothing of it goes on by now."""
    if await _goes_on(deployments, name, model):
        await deployments.delete(name)
    return not await _goes_on(deployments, name, model)


async def _goes_on(deployments: Deployments, name: str, model: str) -> bool:
    there = await deployments.get(name)
    return there is not None and there.model == model and there.state != "Deleting"


async def state(deployments: Deployments, version: Version) -> Seen:
    """How far the deployment is. Raises Refused if it is gone, failed, or somebody else's."""
    there = await find(deployments, version)
    if there is None:
        raise Refused(
            f"The deployment {version.deployment} has disappeared.",
            f"Somebody deleted it while it was being made. `tunedrop retry {version.run_id}` "
            "asks for it again.",
        )
    if there.state in ENDED_BADLY:
        raise Refused(
            f"Azure ended the deployment {version.deployment} as {there.state}.",
            "Look at the account's activity log in the portal for the reason; "
            f"`tunedrop retry {version.run_id}` asks for it again.",
        )
    ready = Readiness.READY if there.state == "Succeeded" else Readiness.PENDING
    return Seen(ready, strange(there))


def strange(there: Deployment) -> str:
    """What is said of a state that this app does not know; such a deployment is waited for."""
    if there.state in STATES:
        return ""
    return (
        f"Azure Resource Manager says {there.state} of the deployment {there.name}, a state that "
        "this app does not know. It is waited for; look at it in the portal."
    )


async def probe(finetuning: FineTuning, version: Version) -> Readiness:
    """One real chat with the version: ready only if it answers."""
    try:
        await finetuning.ask(version.deployment, PROBE)
    except ServiceError as error:
        if error.code in NOT_READY_CODES:
            return Readiness.PENDING
        raise
    return Readiness.READY


def _must_be_ours(there: Deployment, version: Version) -> None:
    if there.model != version.fine_tuned_model:
        raise Refused(
            f"The deployment name {version.deployment} is taken: it serves {there.model}.",
            "Delete or rename that deployment if it is not needed; it was left as it is.",
        )
