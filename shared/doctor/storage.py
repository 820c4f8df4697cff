"""Checks of storage: it is there, each container is ours to use, a drop reaches the app."""

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from shared.cloud.identity import is_local_http
from shared.doctor.context import Context
from shared.doctor.result import CheckResult, State, blocked, ok, problem, unknown, warning
from shared.doctor.roles import ROLES, assign_command
from shared.errors import SettingError, TunedropError
from shared.run.folder import CANARY

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

POISON = "webjobs-blobtrigger-poison"
CONTAINERS = ("datasets", "runs", "models", "feedback")
POLL_SECONDS = 0.25
CONNECTION_FIX = (
    "Best leave out TunedropStorage and set TunedropStorage__blobServiceUri: the app then signs in "
    "with its identity. Otherwise TunedropStorage must hold the account's connection string (az "
    "storage account show-connection-string --name ACCOUNT) or one with a SAS for the services b "
    "and q, the resource types s, c and o and the permissions rwdlacup."
)


def _client(ctx: Context, container: str) -> "ContainerClient":
    """The SDK's own client, whose exceptions say more than the app's errors."""
    name = getattr(ctx.clients, container).name
    return ctx.clients.storage.get_container_client(name)


async def containers(ctx: Context) -> list[CheckResult]:
    """storage, container:NAME | Storage answers; in each container a canary is written, read, \
leased and deleted (in datasets it is not leased: the app may take it at any moment)."""
    try:
        clients = {name: _client(ctx, name) for name in CONTAINERS}
    except SettingError as error:
        return [problem("storage", error.message, error.fix)]
    storage = await _service(clients["runs"])
    if storage.state != State.OK:
        return [storage]
    of_containers = await asyncio.gather(
        *(_container(ctx, name, clients[name]) for name in clients)
    )
    return [storage, *of_containers]


async def _service(client: "ContainerClient") -> CheckResult:
    address = client.url.partition("?")[0].rpartition("/")[0]
    try:
        await client.get_container_properties()
    except HttpResponseError as error:
        if "is not supported by Azurite" in str(error.message):
            message = "Azurite does not know the version of storage's API that is asked for."
            return problem("storage", message, "Start it with: azurite --skipApiVersionCheck")
        if error.status_code is None:  # there was no token, so nothing was sent
            return unknown("storage", blocked("identity"))
    except AzureError as error:
        fix = "Is the address right, its name known in DNS, the network open?"
        if is_local_http(address):
            fix = "Start it: python3 dev.py up"
        return problem("storage", f"{address} does not answer ({type(error).__name__}).", fix)
    return ok("storage", f"{address} answers.")


async def _container(ctx: Context, role: str, client: "ContainerClient") -> CheckResult:
    id, operation = f"container:{role}", "write"
    blob = client.get_blob_client(f"{CANARY}rights-{uuid.uuid4().hex[:8]}")
    try:
        await blob.upload_blob(b"canary", overwrite=True)
        operation = "read"
        with suppress(ResourceNotFoundError):  # the app has taken it, as it should
            await (await blob.download_blob()).readall()
        if role != "datasets":
            operation = "lease"
            await (await blob.acquire_lease(15)).release()
        operation = "delete"
        with suppress(ResourceNotFoundError):
            await blob.delete_blob()
        operation = "list"
        async for _ in client.list_blobs(name_starts_with=CANARY):
            break
    except AzureError as error:
        with suppress(AzureError):  # a canary that was written and is of no use
            await blob.delete_blob()
        return await container_failure(ctx, role, operation, error)
    return ok(id, f"A canary was written, read and deleted in {client.container_name}.")


async def container_failure(
    ctx: Context, role: str, operation: str, error: AzureError
) -> CheckResult:
    id, name = f"container:{role}", getattr(ctx.settings, f"{role}_container")
    code = str(getattr(error, "error_code", "") or type(error).__name__)
    status = getattr(error, "status_code", None)
    message = f"The app cannot {operation} blobs in {name}: {code}."
    if code == "ContainerNotFound":
        fix = f"az storage container create --name {name} {_auth_options(ctx)}"
        return problem(id, f"There is no container {name}.", fix)
    if status not in (401, 403):
        return unknown(id, message)
    if code == "AuthorizationFailure" and not ctx.settings.storage:  # a missing role is a Mismatch
        rule = f"az storage account network-rule add --account-name {_account(ctx)}"
        return problem(id, message, f"Let the app's network in: {rule} --subnet SUBNET-ID")
    fix = await _access_fix(ctx, role, f"/blobServices/default/containers/{name}")
    return problem(id, message, fix)


async def _access_fix(ctx: Context, role: str, resource: str) -> str:
    if ctx.settings.storage:
        return CONNECTION_FIX
    account = f"$(az storage account show --name {_account(ctx)} --query id --output tsv)"
    return assign_command(ROLES[role], f'"{account}{resource}"', await ctx.identity_claims())


def _account(ctx: Context) -> str:
    return ctx.settings.storage_uri.partition("//")[2].partition(".")[0] or "ACCOUNT"


def _auth_options(ctx: Context) -> str:
    if ctx.settings.storage:
        return '--connection-string "$TunedropStorage"'
    return f"--account-name {_account(ctx)} --auth-mode login"


async def queue(ctx: Context) -> list[CheckResult]:
    """queue | The queue of drops that failed five times can be read, and is empty."""
    try:
        endpoint, key, sas = _queue_access(ctx)
    except (SettingError, ValueError):
        return [unknown("queue", blocked("storage"))]
    if not (ctx.settings.storage or ctx.settings.storage_uri):
        return [unknown("queue", blocked("storage"))]
    if not endpoint:
        name = "TunedropStorage__queueServiceUri"
        fix = ctx.setting_command(name, "https://ACCOUNT.queue.core.windows.net")
        return [problem("queue", f"{name} is missing; the blob trigger needs it.", fix)]
    path = f"/{POISON}/messages?peekonly=true&numofmessages=32{sas}"
    try:
        response = await ctx.rest.queue(endpoint, path, key)
    except TunedropError as error:
        return [unknown("queue", error.message)]
    failed = str(response.body).count("<QueueMessage>")
    if response.status == 404 or (response.status == 200 and not failed):
        return [ok("queue", "It can be read and holds no failed drop.")]
    if response.status == 200:
        options = f"--queue-name {POISON} --num-messages 32 {_auth_options(ctx)}"
        message = f"{failed} drops failed five times and are not tried again."
        return [warning("queue", message, f"az storage message peek {options}")]
    if response.status in (401, 403):
        message = f"The queue {POISON} cannot be read ({response.status})."
        return [problem("queue", message, await _access_fix(ctx, "poison", ""))]
    return [unknown("queue", f"The queue service answers {response.status}.")]


def _queue_access(ctx: Context) -> tuple[str, tuple[str, str] | None, str]:
    """Endpoint, account and key if there is one, and a SAS to append to a query string."""
    if not ctx.settings.storage:
        return ctx.environ.get("TunedropStorage__queueServiceUri", ""), None, ""
    parts = dict(part.split("=", 1) for part in ctx.settings.storage.split(";") if "=" in part)
    client = ctx.clients.storage
    account, suffix = str(client.account_name), parts.get("EndpointSuffix", "core.windows.net")
    endpoint = parts.get("QueueEndpoint") or f"https://{account}.queue.{suffix}"
    if "UseDevelopmentStorage" in parts:
        endpoint = f"http://127.0.0.1:10001/{account}"
    sas = parts.get("SharedAccessSignature", "").lstrip("?")
    key = getattr(client.credential, "account_key", None)
    return endpoint, (account, key) if key else None, f"&{sas}" if sas else ""


async def delivery(ctx: Context) -> list[CheckResult]:
    """delivery | A canary that is dropped into datasets reaches the app, which takes it away: \
Event Grid, its subscription, the host and the function all work."""
    try:
        canary = f"{CANARY}{uuid.uuid4().hex[:8]}"
        blob = _client(ctx, "datasets").get_blob_client(canary)
        await blob.upload_blob(b"canary", overwrite=True)
    except (AzureError, TunedropError, ValueError):
        return [unknown("delivery", blocked("container:datasets"))]
    try:
        async with asyncio.timeout(ctx.canary_seconds):
            while await blob.exists():  # noqa: ASYNC110 - another process deletes it
                await asyncio.sleep(POLL_SECONDS)
        return [ok("delivery", "A dropped canary was taken by the app.")]
    except TimeoutError:
        command = "az eventgrid system-topic event-subscription list --system-topic-name TOPIC"
        group = ctx.settings.resource_group or "GROUP"
        options = f"--resource-group {group} --output table"
        fix = f"Is the app running, and subscribed? {command} {options}"
        message = f"No app took a dropped canary within {ctx.canary_seconds:g} s."
        return [problem("delivery", message, fix)]
    finally:
        with suppress(AzureError):
            await blob.delete_blob()


async def timer(ctx: Context) -> list[CheckResult]:
    """timer | The app has lately looked after its runs, and its timer ticks."""
    from shared.run import heartbeat, schedule
    from shared.run import timer as timers

    try:
        heart = await heartbeat.latest(ctx.clients.runs)
    except (TunedropError, ValueError):
        return [unknown("timer", blocked("container:runs"))]
    restart, expression = ctx.app_command("restart"), ctx.settings.tick
    if heart is None:
        message = "The app has never looked after its runs."
        return [warning("timer", message, f"Wait a minute if it is new; otherwise: {restart}")]
    since = timers.dead_since(heart, schedule.Schedule.read(expression), ctx.now())
    if since:
        told = timers.told(since, heart.last, expression)
        return [problem("timer", told, f"{restart}. {timers.RESTART_MAY_NOT_HELP}")]
    return [ok("timer", f"It last ticked at {heart.ticked:%Y-%m-%d %H:%M:%S} UTC.")]
