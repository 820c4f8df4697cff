"""What the app must be allowed to do at Azure OpenAI, each with a call that proves it and does
nothing else. Data, and how an answer is read; no call is made here.

That a refusal for lack of a role comes before any look at the request itself is how Azure Resource
Manager works; for the data plane it is assumed, and has not been verified on real Azure.
Actions are from Microsoft's list of operations of Microsoft.CognitiveServices.
"""

from dataclasses import dataclass
from typing import Any

from shared.cloud.causes import Cause, find
from shared.cloud.denials import NO_ROLE, denial
from shared.cloud.refusals import ANY_WRITE
from shared.cloud.rest import RawResponse

_NO_ID = "0" * 32  # the shape of a real id, of which there is none
NO_SUCH = "tunedrop-doctor-probe"
_DATA = ("AZURE_OPENAI_ENDPOINT",)
_CONTROL = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_OPENAI_ACCOUNT")


@dataclass(frozen=True, slots=True)
class Right:
    """`proof`: the statuses that only a caller with the right can get. `action` is what a custom
    role would have to name, `role` a key of ROLES, `needs` the settings without which it cannot be
    tried."""

    plane: str
    method: str
    path: str
    proof: tuple[int, ...]
    action: str
    how: str
    body: Any = None
    role: str = "openai"
    needs: tuple[str, ...] = _CONTROL


def _data(
    method: str, path: str, proof: tuple[int, ...], action: str, how: str, body: Any = None
) -> Right:
    return Right("data", method, path, proof, f"accounts/OpenAI/{action}", how, body, needs=_DATA)


def _control(
    method: str, path: str, proof: tuple[int, ...], action: str, how: str, body: Any = None
) -> Right:
    return Right("control", method, path, proof, f"accounts/{action}", how, body)


_OK, _NOT_FOUND = (200,), (400, 404)
_CHAT = {"model": NO_SUCH, "messages": [{"role": "user", "content": "hello"}]}
_DEPLOYMENT = {
    "sku": {"name": "GlobalStandard", "capacity": 1},
    "properties": {"model": {"format": "OpenAI", "name": NO_SUCH, "version": "1"}},
}
_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices"
RIGHTS = {
    "files.read": _data(
        "GET", "/files?purpose=fine-tune", _OK, "files/read", "listing the files"
    ),
    "files.write": _data(
        "POST", "/files", (400, 415, 422), "files/write", "an upload without a file", {}
    ),
    "files.delete": _data(
        "DELETE", f"/files/file-{_NO_ID}", _NOT_FOUND, "files/delete",
        "deleting a file that cannot exist",
    ),
    "jobs.read": _data(
        "GET", "/fine_tuning/jobs?limit=100", _OK, "fine-tunes/read", "listing the jobs"
    ),
    "jobs.write": _data(
        "POST", f"/fine_tuning/jobs/ftjob-{_NO_ID}/cancel", _NOT_FOUND, "fine-tunes/write",
        "cancelling a job that cannot exist",
    ),
    "models.read": _data("GET", "/models", _OK, "models/read", "listing the models"),
    "models.delete": _data(
        "DELETE", f"/models/{NO_SUCH}", _NOT_FOUND, "models/delete",
        "deleting a model that does not exist",
    ),
    "chat": _data(
        "POST", "/chat/completions", _NOT_FOUND, "deployments/chat/completions/action",
        "a chat with a deployment that does not exist", _CHAT,
    ),
    "account.read": _control("GET", "", _OK, "read", "reading the account"),
    "catalog.read": _control(
        "GET", "/models", _OK, "models/read", "listing what the account offers"
    ),
    "deployments.read": _control(
        "GET", "/deployments", _OK, "deployments/read", "listing the deployments"
    ),
    "deployments.write": _control(
        "PUT", f"/deployments/{NO_SUCH}", (400, 409), "deployments/write",
        "deploying a model that does not exist", _DEPLOYMENT,
    ),
    "deployments.delete": _control(
        "DELETE", f"/deployments/{NO_SUCH}", (204, 404, 409), "deployments/delete",
        "deleting a deployment that does not exist",
    ),
    "usages.read": Right(
        "location", "GET", f"{_PROVIDER}/locations/{{location}}/usages", _OK,
        "locations/usages/read", "listing the quota of the account's region", role="quota",
    ),
}  # fmt: skip

# What is not there, by Azure's error code: meaning, fix.
ABSENT = {
    "SubscriptionNotFound": (
        "there is no such subscription for this identity",
        "Correct AZURE_SUBSCRIPTION_ID: az account list --output table",
    ),
    "ResourceGroupNotFound": (
        "there is no resource group {group}",
        "Correct AZURE_RESOURCE_GROUP: az group list --output table",
    ),
    "ParentResourceNotFound": (
        "there is no account {account} in {group}",
        "Fix account.read first.",
    ),
    "ResourceNotFound": (
        "there is no account {account} in {group}",
        "Correct AZURE_OPENAI_ACCOUNT: az cognitiveservices account list --output table",
    ),
}


def denied(response: RawResponse) -> bool:
    return response.status in (401, 403)


def known_refusal(
    right: Right, response: RawResponse, account: str, group: str
) -> tuple[str, str] | None:
    """Meaning and fix where Azure's answer says that the reason is not a missing role: by the
    tables that runs are told by."""
    if response.code == "ResourceNotFound" and right.method != "GET":
        return None  # the other calls name things that cannot exist
    if absent := ABSENT.get(response.code):
        meaning, fix = (text.format(account=account, group=group) for text in absent)
        return meaning, fix
    known = _cause(response)
    if known is None or known is NO_ROLE:
        return None
    return known.name, known.cure(account, group)


def _cause(response: RawResponse) -> Cause | None:
    codes = [response.code]
    if response.status in (401, 403, 409) and (wide := find(ANY_WRITE, codes, response.message)):
        return wide
    if response.status in (400, 401, 403):
        return denial(response.status, codes, response.message)
    return None
