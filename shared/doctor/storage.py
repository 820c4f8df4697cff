"""Storage: is it there, may we work in each container, does a drop reach the app."""

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from shared.cloud.identity import is_local_http
from shared.doctor.cases import ROLES, Case, State, assign, ok, problem, unknown, warning
from shared.doctor.patient import Patient
from shared.errors import SettingError, TunedropError
from shared.run.folder import CANARY

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

POISON = "webjobs-blobtrigger-poison"
CONTAINERS = ("datasets", "runs", "models", "feedback")
LOOK_SECONDS = 0.25
STRING = (
    "Best leave out TunedropStorage and set TunedropStorage__blobServiceUri, which is entered with "
    "the app's identity. Otherwise TunedropStorage must hold the account's connection string (az "
    "storage account show-connection-string --name ACCOUNT) or one with a SAS for the services b "
    "and q, the resource types s, c and o and the permissions rwdlacup."
)


async def containers(p: Patient) -> list[Case]:
    """storage, container:NAME | Storage answers; in each container a canary is written, read, \
leased and deleted (in datasets it is not leased: the app may take it at any moment)."""
    try:
        clients = {name: getattr(p.cloud, name).client for name in CONTAINERS}
    except SettingError as error:
        return [problem("storage", error.message, error.fix)]
    except ValueError:  # its text may hold the key
        return [problem("storage", "TunedropStorage is no connection string.", STRING)]
    storage = await _reach(clients["runs"])
    if storage.state != State.OK:
        return [storage]
    looked = await asyncio.gather(*(_container(p, name, clients[name]) for name in clients))
    return [storage, *looked]


async def _reach(client: "ContainerClient") -> Case:
    where = client.url.partition("?")[0].rpartition("/")[0]
    try:
        await client.get_container_properties()
    except HttpResponseError as error:
        if "is not supported by Azurite" in str(error.message):
            seen = "Azurite does not know the version of storage's API that is asked for."
            return problem("storage", seen, "Start it with: azurite --skipApiVersionCheck")
        if error.status_code is None:  # it was not even asked
            return unknown("storage", "Only seen with identity.")
    except AzureError as error:
        fix = "Is the address right, its name known in DNS, the network open?"
        if is_local_http(where):
            fix = "Start it: python3 dev.py up"
        return problem("storage", f"{where} does not answer ({type(error).__name__}).", fix)
    return ok("storage", f"{where} answers.")


async def _container(p: Patient, role: str, client: "ContainerClient") -> Case:
    id, doing = f"container:{role}", "write"
    blob = client.get_blob_client(f"{CANARY}rights-{uuid.uuid4().hex[:8]}")
    try:
        await blob.upload_blob(b"canary", overwrite=True)
        doing = "read"
        with suppress(ResourceNotFoundError):  # taken by the app: it is there to be taken
            await (await blob.download_blob()).readall()
        if role != "datasets":
            doing = "lease"
            await (await blob.acquire_lease(15)).release()
        doing = "delete"
        with suppress(ResourceNotFoundError):
            await blob.delete_blob()
        doing = "list"
        async for _ in client.list_blobs(name_starts_with=CANARY):
            break
    except AzureError as error:
        with suppress(AzureError):  # what was written and cannot be used
            await blob.delete_blob()
        return await blob_case(p, id, role, doing, error)
    return ok(id, f"A canary was written, read and deleted in {client.container_name}.")


async def blob_case(p: Patient, id: str, role: str, doing: str, error: AzureError) -> Case:
    name = getattr(p.settings, f"{role}_container")
    code = str(getattr(error, "error_code", "") or type(error).__name__)
    status = getattr(error, "status_code", None)
    seen = f"The app cannot {doing} blobs in {name}: {code}."
    if code == "ContainerNotFound":
        fix = f"az storage container create --name {name} {_sign(p)}"
        return problem(id, f"There is no container {name}.", fix)
    if status not in (401, 403):
        return unknown(id, seen)
    if code == "AuthorizationFailure" and not p.settings.storage:  # a missing role is a Mismatch
        rule = f"az storage account network-rule add --account-name {_account(p)}"
        return problem(id, seen, f"Let the app's network in: {rule} --subnet SUBNET-ID")
    return problem(id, seen, await _grant(p, role, f"/blobServices/default/containers/{name}"))


async def _grant(p: Patient, role: str, inside: str) -> str:
    if p.settings.storage:
        return STRING
    account = f"$(az storage account show --name {_account(p)} --query id --output tsv)"
    return assign(ROLES[role], f'"{account}{inside}"', await p.who())


def _account(p: Patient) -> str:
    return p.settings.storage_uri.partition("//")[2].partition(".")[0] or "ACCOUNT"


def _sign(p: Patient) -> str:
    if p.settings.storage:
        return '--connection-string "$TunedropStorage"'
    return f"--account-name {_account(p)} --auth-mode login"


async def queue(p: Patient) -> list[Case]:
    """queue | The queue of drops that failed five times can be read, and is empty."""
    try:
        endpoint, key, sas = _queue(p)
    except (SettingError, ValueError):
        return [unknown("queue", "Only seen with storage.")]
    if not (p.settings.storage or p.settings.storage_uri):
        return [unknown("queue", "Only seen with storage.")]
    if not endpoint:
        seen = "TunedropStorage__queueServiceUri is missing; the blob trigger needs it."
        fix = p.setting(
            "TunedropStorage__queueServiceUri", "https://ACCOUNT.queue.core.windows.net"
        )
        return [problem("queue", seen, fix)]
    path = f"/{POISON}/messages?peekonly=true&numofmessages=32{sas}"
    try:
        answer = await p.probe.queue(endpoint, path, key)
    except TunedropError as error:
        return [unknown("queue", error.message)]
    found = str(answer.body).count("<QueueMessage>")
    if answer.status == 404 or (answer.status == 200 and not found):
        return [ok("queue", "It can be read and holds no failed drop.")]
    if answer.status == 200:
        look = f"az storage message peek --queue-name {POISON} --num-messages 32 {_sign(p)}"
        return [warning("queue", f"{found} drops failed five times and were given up.", look)]
    if answer.status in (401, 403):
        seen = f"The queue {POISON} cannot be read ({answer.status})."
        return [problem("queue", seen, await _grant(p, "poison", ""))]
    return [unknown("queue", f"The queue service answers {answer.status}.")]


def _queue(p: Patient) -> tuple[str, tuple[str, str] | None, str]:
    """Endpoint, account and key if there is one, and a SAS as more of a query string."""
    if not p.settings.storage:
        return p.environ.get("TunedropStorage__queueServiceUri", ""), None, ""
    parts = dict(part.split("=", 1) for part in p.settings.storage.split(";") if "=" in part)
    client = p.cloud.runs.client
    account, suffix = client.account_name, parts.get("EndpointSuffix", "core.windows.net")
    endpoint = parts.get("QueueEndpoint") or f"https://{account}.queue.{suffix}"
    if "UseDevelopmentStorage" in parts:
        endpoint = f"http://127.0.0.1:10001/{account}"
    sas = parts.get("SharedAccessSignature", "").lstrip("?")
    key = getattr(client.credential, "account_key", None)
    return endpoint, (account, key) if key else None, f"&{sas}" if sas else ""


async def delivery(p: Patient) -> list[Case]:
    """delivery | A canary that is dropped into datasets reaches the app, which takes it away: \
Event Grid, its subscription, the host and the function all work."""
    try:
        blob = p.cloud.datasets.client.get_blob_client(f"{CANARY}{uuid.uuid4().hex[:8]}")
        await blob.upload_blob(b"canary", overwrite=True)
    except (AzureError, TunedropError, ValueError):
        return [unknown("delivery", "Only seen with container:datasets.")]
    try:
        async with asyncio.timeout(p.wait):
            while await blob.exists():  # noqa: ASYNC110 - what happens to it happens elsewhere
                await asyncio.sleep(LOOK_SECONDS)
        return [ok("delivery", "A dropped canary was taken by the app.")]
    except TimeoutError:
        look = "az eventgrid system-topic event-subscription list --system-topic-name TOPIC"
        group = p.settings.resource_group or "GROUP"
        fix = f"Is the app running, and subscribed? {look} --resource-group {group} --output table"
        return [problem("delivery", f"Nobody took a dropped canary within {p.wait:g} s.", fix)]
    finally:
        with suppress(AzureError):
            await blob.delete_blob()


async def timer(p: Patient) -> list[Case]:
    """timer | The app has lately looked after its runs: its timer fires."""
    from shared.run.heartbeat import latest
    from shared.run.policy import Policy

    try:
        heart = await latest(p.cloud.runs)
    except (TunedropError, ValueError):
        return [unknown("timer", "Only seen with container:runs.")]
    restart = p.functionapp("restart", "").strip()
    if heart is None:
        seen = "The app has never looked after its runs."
        return [warning("timer", seen, f"Wait a minute if it is new; otherwise: {restart}")]
    seen = f"The app last looked after its runs at {heart.last:%Y-%m-%d %H:%M:%S} UTC."
    stands = p.now() - heart.last > Policy().downtime_after
    return [problem("timer", seen, restart) if stands else ok("timer", seen)]
