"""What infra/ makes in Azure, made on a laptop: containers, the base model, app settings.

Asks storage and the emulator as they run; starts nothing.
"""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP, ACCOUNT = "laptop", "emulator"
BASE_DEPLOYMENT, BASE_MODEL, BASE_VERSION = "gpt-4.1-nano", "gpt-4.1-nano", "2025-04-14"
REMEMBERING = "captain,tickets"  # the examples: feedback can be tried at once
CONTAINERS = ("datasets", "runs", "models", "feedback")
OF_AZURE = (
    "TunedropStorage__blobServiceUri",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_SCOPE",
    "AZURE_OPENAI_LOCATION",
    "AZURE_CLIENT_ID",
)


class ProvisionError(Exception):
    """Storage or the control plane has refused something, or did not answer: who, and what."""


def provision(storage: str, openai_url: str) -> None:
    """Make what is not there yet. `storage` is a connection string. Raises ProvisionError."""
    _containers(storage)
    account = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
        f"/Microsoft.CognitiveServices/accounts/{ACCOUNT}"
    )
    model = {"format": "OpenAI", "name": BASE_MODEL, "version": BASE_VERSION}
    body = {"sku": {"name": "GlobalStandard", "capacity": 50}, "properties": {"model": model}}
    path = f"{account}/deployments/{BASE_DEPLOYMENT}"
    if not _arm(openai_url, "GET", path):
        _arm(openai_url, "PUT", path, body)


def app_settings(storage: str, openai_url: str, app_key: str, telemetry: str) -> dict[str, str]:
    """The app's settings, with an identity instead of keys, where nobody has chosen any."""
    return usual_settings(app_key, telemetry) | stack_settings(storage, openai_url)


def stack_settings(storage: str, openai_url: str) -> dict[str, str]:
    """What makes the stack: where its parts are, and who the app is to them. Whatever else a shell
    has of a resource in Azure is emptied, which is as if it were not set: a key of its would be
    shown to the emulator."""
    return dict.fromkeys(OF_AZURE, "") | {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_ENABLE_INIT_INDEXING": "1",
        "AzureFunctionsWebHost__hostid": "tunedrop-laptop",
        "AzureWebJobsStorage": storage,
        "TunedropStorage": storage,
        "TUNEDROP_BLOB_SOURCE": "EventGrid",  # whatever a local.settings.json for `func start` says
        "AZURE_OPENAI_ENDPOINT": openai_url,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": openai_url,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_RESOURCE_GROUP": GROUP,
        "AZURE_OPENAI_ACCOUNT": ACCOUNT,
        "IDENTITY_ENDPOINT": f"{openai_url}/_emulator/identity",
        "IDENTITY_HEADER": "local",
        **{f"TUNEDROP_{name.upper()}_CONTAINER": name for name in CONTAINERS},
    }


def usual_settings(app_key: str, telemetry: str) -> dict[str, str]:
    """What suits a laptop, unless somebody has chosen otherwise."""
    digest = hashlib.sha256(app_key.encode()).hexdigest()
    return {
        "TUNEDROP_TICK": "* * * * * *",
        "TUNEDROP_QUIET_SECONDS": "1",
        "TUNEDROP_BACKOFF_SECONDS": "0.5",
        "TUNEDROP_SWEEP_SECONDS": "10",
        "TUNEDROP_COMPARE_EXAMPLES": "8",  # a batch of the emulator's
        "TUNEDROP_DAILY_RUNS": "0",  # training costs nothing here
        "TUNEDROP_APP_KEYS": json.dumps([{"name": "laptop", "role": "operator", "sha256": digest}]),
        "TUNEDROP_BASE_DEPLOYMENTS": BASE_DEPLOYMENT,
        "TUNEDROP_REMEMBER": REMEMBERING,
        "TUNEDROP_TELEMETRY_FOLDER": telemetry,
    }


def _containers(storage: str) -> None:
    from azure.core.exceptions import AzureError, ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    # The SDK's own retries would keep back for minutes what storage has said at once.
    with BlobServiceClient.from_connection_string(storage, retry_total=0) as blobs:
        for container in CONTAINERS:
            try:
                blobs.create_container(container)
            except ResourceExistsError:
                continue
            except AzureError as error:
                said = str(error).strip().partition("\n")[0]
                refused = f"Storage did not make the container {container}: {said}"
                raise ProvisionError(refused) from None


def _arm(openai_url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the control plane answers; None for what is not there."""
    token = _fetch(
        f"{openai_url}/_emulator/identity"
        "?resource=https://management.azure.com&api-version=2019-08-01",
        headers={"X-IDENTITY-HEADER": "local"},
    )["access_token"]
    return _fetch(
        f"{openai_url}{path}?api-version=2025-09-01",
        method,
        {"authorization": f"Bearer {token}", "content-type": "application/json"},
        json.dumps(body).encode() if body else None,
    )


def _fetch(
    url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Any:
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        answer = f"{method} {url} answered {error.code}: {error.read().decode()}"
        raise ProvisionError(answer) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        refused = f"The Azure OpenAI emulator did not answer to {method} {url}: {error}"
        raise ProvisionError(refused) from None
