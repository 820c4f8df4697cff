"""A real stack as its user meets it: storage to drop into, the app to ask; the service behind."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import ResourceExistsError
from azure.core.pipeline.policies import HeadersPolicy
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.storage.blob import BlobLeaseClient, BlobServiceClient, ContainerClient
from openai import OpenAI

from local.emulator import DEFAULT_KEY
from local.known import Stack
from local.stack import ACCOUNT, GROUP, SUBSCRIPTION, running

# Only so that a hang is reported: what is waited for comes when it comes, later on a busy machine.
PATIENCE_SECONDS = 900
# What takes Azure minutes and the emulator a second takes tests a moment.
QUICK = {
    "file_seconds": 0.05,
    "creating_seconds": 0.1,
    "readiness_gap_seconds": 0.1,
    "deleting_seconds": 0.05,
    "queue_limit": 20,
}
STACKS: list[Stack] = []  # those that this process has started and needs whole
ENDS = {"serving", "rejected", "failed", "cancelled", "superseded"}


@dataclass
class StackHarness:
    """What a user has: storage to drop into and the app to ask; and the service to look behind."""

    addresses: Stack
    blobs: BlobServiceClient
    chat: OpenAI
    service: OpenAI
    control: CognitiveServicesManagementClient

    def container(self, name: str) -> ContainerClient:
        return self.blobs.get_container_client(name)

    def drop(self, model: str, **files: bytes) -> None:
        """`training_set=b"…"` becomes `<model>/training_set.jsonl`."""
        for name, content in files.items():
            path = f"{model}/run.yaml" if name == "run_yaml" else f"{model}/{name}.jsonl"
            self.container("datasets").upload_blob(path, content, overwrite=True)

    def get(self, path: str) -> Any:
        return json.loads(self.open(path)[1])

    def open(
        self, path: str, body: bytes | None = None, method: str | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the app's answer, asked with a key of the Functions host."""
        headers = {"x-functions-key": self.addresses.function_key}
        request = urllib.request.Request(
            f"{self.addresses.app_url}/api/{path}", body, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def runs(self, model: str) -> list[dict[str, Any]]:
        return list(self.get(f"runs?model={model}")["runs"])

    def ended_run(self, model: str, number: int = 1) -> dict[str, Any]:
        """The newest run of a model once it has `number` of them and all have ended."""

        def newest() -> Any:
            runs = self.runs(model)
            return runs if len(runs) >= number and {r["stage"] for r in runs} <= ENDS else None

        return dict(self.get(f"runs/{wait_for(newest)[0]['id']}"))

    def apart(self, name: str, **settings: str) -> dict[str, str]:
        """Settings of an app beside the stack's own, with containers called after `name`."""
        environ = {
            "TunedropStorage": self.addresses.storage,
            "AZURE_OPENAI_ENDPOINT": self.addresses.openai_url,
            "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self.addresses.openai_url,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_RESOURCE_GROUP": GROUP,
            "AZURE_OPENAI_ACCOUNT": ACCOUNT,
            "IDENTITY_ENDPOINT": f"{self.addresses.openai_url}/_emulator/identity",
            "IDENTITY_HEADER": "local",
            "TUNEDROP_QUIET_SECONDS": "0",
            "TUNEDROP_BACKOFF_SECONDS": "0.05",
            **settings,
        }
        for kind in ("datasets", "runs", "models"):
            environ[f"TUNEDROP_{kind.upper()}_CONTAINER"] = f"{kind}-{name}"
            self.blobs.create_container(f"{kind}-{name}")
        return environ

    def free_claims(self, container: str) -> None:
        """As time would: the leases of dead workers run out."""
        active = self.container(container).list_blobs(name_starts_with="active/")
        for marker in active:
            if marker.lease.state == "leased":
                blob = self.blobs.get_blob_client(container, marker.name)
                BlobLeaseClient(blob).break_lease(0)

    def clear_deployments(self, prefix: str) -> None:
        """Make room: an account takes ten deployments of tuned models."""
        for deployment in self.control.deployments.list(GROUP, ACCOUNT):
            if deployment.name and deployment.name.startswith(prefix):
                wait_for(partial(self._asked_to_delete, deployment.name))

    def clear_service(self, prefix: str) -> None:
        """Leave nothing of these models: a resource takes a hundred files and a hundred jobs."""
        self.clear_deployments(prefix)
        for job in self.service.fine_tuning.jobs.list(limit=100):
            if (job.metadata or {}).get("tunedrop_run", "").startswith(prefix):
                self.delete_job(job.id)
        for file in self.service.files.list(purpose="fine-tune"):
            if file.filename.startswith(prefix):
                self.service.files.delete(file.id)

    def files_of(self, name: str) -> list[str]:
        """What lies at the service of a run or, with a hyphen at the end, of a model."""
        found = self.service.files.list(purpose="fine-tune")
        return [file.filename for file in found if file.filename.startswith(name)]

    def calls(self) -> int:
        """How many the service has had."""
        newest = self.emulator("journal?limit=1", method="GET")["data"]
        return int(newest[0]["number"]) if newest else 0

    def uploads(self, since: int) -> int:
        """How many files were uploaded after so many calls."""
        path = f"journal?operation=files.create&effect=file&after={since}"
        return len(self.emulator(path, method="GET")["data"])

    def jobs_of(self, run_id: str) -> list[str]:
        jobs = self.service.fine_tuning.jobs.list()
        return [job.id for job in jobs if (job.metadata or {}).get("tunedrop_run") == run_id]

    def delete_job(self, job_id: str) -> None:
        """Only the dated API has this, and no SDK."""
        path = f"openai/fine_tuning/jobs/{job_id}?api-version=2024-10-21"
        headers = {"api-key": DEFAULT_KEY}
        request = urllib.request.Request(
            f"{self.addresses.openai_url}/{path}", headers=headers, method="DELETE"
        )
        urllib.request.urlopen(request, timeout=120).close()

    def emulator(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """The emulator's own controls: faults by name, settings, the clock."""
        request = urllib.request.Request(
            f"{self.addresses.openai_url}/_emulator/{path}",
            json.dumps(body).encode() if body else None,
            {"content-type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read() or b"null")

    def _asked_to_delete(self, name: str) -> bool:
        try:
            self.control.deployments.begin_delete(GROUP, ACCOUNT, name, polling=False)
        except ResourceExistsError:  # another write on the account is under way
            return False
        return True


@contextmanager
def running_stack(state: Path, func: bool = False) -> Iterator[StackHarness]:
    """Azurite, the emulator with its tiny model, the host: quick, on free ports, with keys as in
    Azure; or with Core Tools in the host's place, and without."""
    with (
        running(state, model="tiny", port=0, otel=True, func=func) as it,
        BlobServiceClient.from_connection_string(it.storage) as blobs,
        OpenAI(base_url=f"{it.app_url}/api/v1", api_key=it.app_key, max_retries=0) as chat,
        OpenAI(base_url=f"{it.openai_url}/openai/v1", api_key=DEFAULT_KEY) as service,
        control_plane(it) as control,
    ):
        harness = StackHarness(it, blobs, chat, service, control)
        harness.emulator("settings", QUICK, "PATCH")
        STACKS.append(it)
        yield harness
        STACKS.remove(it)


def wait_for(look: Callable[[], Any]) -> Any:
    """What `look` finds as soon as it finds something. Fails at once when a stack lost a part."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        for stack in STACKS:
            assert not stack.dead, f"{stack.dead} ended while the test waited for something"
        time.sleep(0.1)
    raise AssertionError(f"not seen within {PATIENCE_SECONDS} s")


class NoCredential:
    """A placeholder that the client asks for: the policy brings the token."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise NotImplementedError


def control_plane(stack: Stack) -> CognitiveServicesManagementClient:
    """A client of the emulated control plane, with a token of its managed identity."""
    request = urllib.request.Request(
        f"{stack.openai_url}/_emulator/identity"
        "?resource=https://management.azure.com&api-version=2019-08-01",
        headers={"X-IDENTITY-HEADER": "local"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        token = json.load(response)["access_token"]
    return CognitiveServicesManagementClient(
        NoCredential(),
        SUBSCRIPTION,
        base_url=stack.openai_url,
        authentication_policy=HeadersPolicy({"Authorization": f"Bearer {token}"}),
        credential_scopes=["unused"],
        polling_interval=1,
    )
