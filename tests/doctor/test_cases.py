"""One thing is spoilt at a time: the doctor finds that, names its fix, and finds nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import (
    ResourceTypes,
    Services,
    generate_account_sas,
)
from azure.storage.queue import QueueClient

from local import storage
from local.stack import AZURITE, SUBSCRIPTION
from shared.doctor.patient import Patient as Examined
from shared.doctor.rights import RIGHTS
from shared.doctor.storage import blob_case
from tests.conftest import Loop
from tests.doctor.conftest import ACCOUNT_SCOPE, Patient
from tests.emulator.harness import BASE_MODEL, dataset, deploy, finished, upload

NOBODY = "http://127.0.0.1:9"  # the port of a protocol that nobody speaks any more
DATA = {id for id, right in RIGHTS.items() if right.plane == "data"}
CONTROL = set(RIGHTS) - DATA
OF_ACCOUNT = {"region", "endpoint", "usages.read", "quota"}
OF_CATALOGUE = {"base-model", "sku", "quota"}
OF_DEPLOYMENTS = {"deployments-left", "base-deployments"}
BEHIND = {  # what nobody can see without the right
    "account.read": OF_ACCOUNT,
    "catalog.read": OF_CATALOGUE,
    "deployments.read": OF_DEPLOYMENTS,
    "jobs.read": {"jobs-left"},
    "usages.read": {"quota"},
}


async def test_a_healthy_app_has_nothing(patient: Patient) -> None:
    found = await patient.examine()
    assert not found.ill
    assert not found.unseen
    assert {*RIGHTS, "delivery", "queue", "timer", "quota"} <= {case.id for case in found.cases}


@pytest.mark.parametrize("right", RIGHTS)
async def test_a_right_that_is_missing(patient: Patient, right: str) -> None:
    patient.service.control("rights", "POST", {"remove": [right], "identity": "local"})
    found = await patient.examine()
    assert set(found.ill) == {right}
    assert found.unseen == BEHIND.get(right, set())
    role, scope = "Cognitive Services OpenAI Contributor", ACCOUNT_SCOPE
    if right == "usages.read":
        role, scope = "Cognitive Services Usages Reader", f"/subscriptions/{SUBSCRIPTION}"
    assert found.ill[right].fix == (
        "az role assignment create --assignee-object-id local --assignee-principal-type "
        f'ServicePrincipal --role "{role}" --scope {scope}'
    )
    assert RIGHTS[right].action in found.ill[right].seen


@dataclass
class Spoilt:
    """Settings of the app and of the emulator, and what the doctor is to make of them."""

    finds: dict[str, tuple[str, str]]  # id: state, part of the fix
    changes: dict[str, str | None] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)


def missing(name: str, unseen: set[str]) -> Spoilt:
    fix = f"--settings {name}=VALUE"
    return Spoilt({f"setting:{name}": ("problem", fix)}, {name: None}, unseen=unseen)


BLIND = CONTROL | {"region", "clock"} | OF_CATALOGUE | OF_DEPLOYMENTS
STORES = ("datasets", "runs", "models", "feedback")
CONTAINERS = {f"container:{name}" for name in STORES}
SPOILT = {
    "no endpoint": missing("AZURE_OPENAI_ENDPOINT", DATA | {"endpoint", "jobs-left"}),
    "no subscription": missing("AZURE_SUBSCRIPTION_ID", BLIND | {"endpoint"}),
    "no resource group": missing("AZURE_RESOURCE_GROUP", BLIND | {"endpoint"}),
    "no account": missing("AZURE_OPENAI_ACCOUNT", BLIND | {"endpoint"}),
    "no host storage": missing("AzureWebJobsStorage", set()),
    "not a number": Spoilt(
        {"setting:TUNEDROP_DEPLOYMENT_CAPACITY": ("problem", "TUNEDROP_DEPLOYMENT_CAPACITY=")},
        {"TUNEDROP_DEPLOYMENT_CAPACITY": "fifty"},
    ),
    "misspelt": Spoilt(
        {"setting:TUNEDROP_BASE_MODLE": ("warning", "Is TUNEDROP_BASE_MODEL meant?")},
        {"TUNEDROP_BASE_MODLE": BASE_MODEL},
    ),
    "nobody may chat": Spoilt(
        {"app-keys": ("warning", "sha256sum")},
        {"TUNEDROP_APP_KEYS": ""},
    ),
    "a key instead of its digest": Spoilt(
        {"app-keys": ("problem", "NAME:SHA256")},
        {"TUNEDROP_APP_KEYS": "me:SECRET"},
    ),
    "no identity": Spoilt(
        {"identity": ("problem", "az functionapp identity assign")},
        {"IDENTITY_HEADER": "wrong"},
        unseen=set(RIGHTS) | BLIND | {"endpoint", "jobs-left"},
    ),
    "a wrong key": Spoilt(
        {id: ("problem", "Leave out AZURE_OPENAI_API_KEY") for id in DATA},
        {"AZURE_OPENAI_API_KEY": "SECRET"},
        unseen={"jobs-left"},
    ),
    "nobody at the endpoint": Spoilt(
        {"endpoint": ("problem", "az cognitiveservices account show")},
        {"AZURE_OPENAI_ENDPOINT": NOBODY},
        unseen=DATA | {"jobs-left"},
    ),
    "nobody at resource manager": Spoilt(
        {}, {"AZURE_RESOURCE_MANAGER_ENDPOINT": NOBODY}, unseen=BLIND | {"endpoint"}
    ),
    "no such training type": Spoilt(
        {"region": ("problem", "globalStandard or standard")},
        {"TUNEDROP_TRAINING_TYPE": "cheap"},
    ),
    "a region without standard training": Spoilt(
        {"region": ("problem", "globalStandard, or use an account in northcentralus")},
        {"TUNEDROP_TRAINING_TYPE": "standard"},
        {"location": "westeurope"},
    ),
    "a base model that is not offered": Spoilt(
        {"base-model": ("problem", "gpt-4.1-mini-2025-04-14 or")},
        {"TUNEDROP_BASE_MODEL": "gpt-35-turbo-0613"},
        unseen={"sku", "quota"},
    ),
    "a SKU that is not offered": Spoilt(
        {"sku": ("problem", "GlobalStandard or")},
        {
            "TUNEDROP_BASE_MODEL": "gpt-4o-mini-2024-07-18",
            "TUNEDROP_DEPLOYMENT_SKU": "DeveloperTier",
        },
        unseen={"quota"},
    ),
    "quota used up": Spoilt(
        {"quota": ("problem", "Lower TUNEDROP_DEPLOYMENT_CAPACITY")},
        service={"quota_capacity": 40},
    ),
    "a deployment that is gone": Spoilt(
        {"base-deployments": ("problem", "Take it out of TUNEDROP_BASE_DEPLOYMENTS")},
        {"TUNEDROP_BASE_DEPLOYMENTS": "base,gone"},
    ),
    "no storage": Spoilt(
        {"storage": ("problem", "Set one of them")},
        {"TunedropStorage": None},
        unseen={"queue", "delivery", "timer"},
    ),
    "storage's connection string cut off": Spoilt(
        {"storage": ("problem", "connection string")},
        {"TunedropStorage": "AccountKey=SECRET"},
        unseen={"queue", "delivery", "timer"},
    ),
    "storage stopped": Spoilt(
        {"storage": ("problem", "python3 dev.py up")},
        {"TunedropStorage": storage.connection_string(storage.Ports(9, 9, 9))},
        unseen={"queue", "delivery", "timer"},
    ),
    "storage by identity, without its queue": Spoilt(
        {
            "storage": ("problem", "its name known in DNS"),
            "queue": ("problem", "TunedropStorage__queueServiceUri="),
        },
        {"TunedropStorage": None, "TunedropStorage__blobServiceUri": "https://127.0.0.1:9"},
        unseen={"delivery", "timer"},
    ),
    "a container that is missing": Spoilt(
        {"container:feedback": ("problem", "az storage container create --name nowhere")},
        {"TUNEDROP_FEEDBACK_CONTAINER": "nowhere"},
    ),
}


@pytest.mark.parametrize("name", SPOILT)
async def test_what_is_spoilt_is_named_with_its_cure(patient: Patient, name: str) -> None:
    spoilt = SPOILT[name]
    patient.service.settings(**spoilt.service)
    found = await patient.examine(**spoilt.changes)
    assert {id: case.state for id, case in found.ill.items()} == {
        id: state for id, (state, _) in spoilt.finds.items()
    }
    for id, (_, fix) in spoilt.finds.items():
        assert fix in found.ill[id].fix
    assert found.unseen == spoilt.unseen
    assert not any("SECRET" in f"{case.seen}{case.fix}" for case in found.cases)


# ---- the service -------------------------------------------------------------------------------


async def test_another_service_at_the_endpoint_proves_no_right(
    patient: Patient, loop: Loop
) -> None:
    found = await patient.examine(AZURE_OPENAI_ENDPOINT=f"{loop.stack.app_url}/api")
    assert set(found.ill) == {"endpoint"}
    assert "404, unlike Azure OpenAI" in found.ill["endpoint"].seen
    assert found.unseen == DATA | {"jobs-left"}


async def test_an_endpoint_of_another_account(patient: Patient) -> None:
    elsewhere = patient.service.url.replace("127.0.0.1", "localhost")
    found = await patient.examine(AZURE_OPENAI_ENDPOINT=elsewhere)
    assert set(found.ill) == {"endpoint"}
    assert "whose own is http://127.0.0.1" in found.ill["endpoint"].seen


async def test_a_service_that_stumbles_is_neither_well_nor_ill(patient: Patient) -> None:
    patient.service.fault("error-before", "files.list")
    patient.service.fault("unavailable", "deployments.list")
    found = await patient.examine()
    assert not found.ill
    assert found.unseen == {"files.read", "deployments.read"} | OF_DEPLOYMENTS


async def test_a_clock_that_is_wrong(patient: Patient) -> None:
    late, hopeless = timedelta(seconds=100), timedelta(minutes=6)
    assert (await patient.examine(ahead=late)).ill["clock"].state == "warning"
    case = (await patient.examine(ahead=-hopeless)).ill["clock"]
    assert case.state == "problem"
    assert "behind" in case.seen
    assert "timedatectl" in case.fix


@pytest.mark.parametrize(("day", "state"), [("2026-02-01", "ok"), ("2027-03-01", "warning")])
async def test_a_base_model_near_its_end(patient: Patient, day: str, state: str) -> None:
    ahead = datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime.now(UTC)
    found = await patient.examine(ahead=ahead)
    assert [case.state for case in found.cases if case.id == "base-model"] == [state]


async def test_no_room_for_another_job(patient: Patient) -> None:
    patient.service.settings(queue_seconds=3600)
    with patient.service.v1() as client:
        file = upload(client, dataset())
        jobs = [
            client.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file).id
            for _ in range(20)
        ]
        try:
            found = await patient.examine()
        finally:
            for job in jobs:
                client.fine_tuning.jobs.cancel(job)
    assert set(found.ill) == {"jobs-left"}
    assert "20 of 20 queued" in found.ill["jobs-left"].seen
    assert "az rest --method delete" in found.ill["jobs-left"].fix


async def test_no_room_for_another_deployment(patient: Patient) -> None:
    patient.service.settings(write_conflicts=False, creating_seconds=0, deleting_seconds=0)
    with patient.service.v1() as client, patient.service.arm() as arm:
        file = upload(client, dataset())
        job = client.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file)
        model = finished(client, job.id).fine_tuned_model
        for number in range(10):
            deploy(arm, f"tuned-{number}", model)
        try:
            found = await patient.examine()
        finally:
            for number in range(10):
                arm.deployments.begin_delete("rg", "account", f"tuned-{number}", polling=False)
    assert set(found.ill) == {"deployments-left"}
    assert "10 of 10 deployments of tuned models" in found.ill["deployments-left"].seen
    assert "deployment delete" in found.ill["deployments-left"].fix


# ---- storage -----------------------------------------------------------------------------------


def signed(loop: Loop, permissions: str, services: Services) -> str:
    """A connection string with no more than these permissions."""
    sas = generate_account_sas(
        storage.ACCOUNT,
        storage.KEY,
        ResourceTypes(service=True, container=True, object=True),
        permissions,
        datetime.now(UTC) + timedelta(hours=1),
        services=services,
    )
    parts = dict(part.split("=", 1) for part in loop.stack.storage.split(";"))
    kept = [f"{name}={parts[name]}" for name in ("BlobEndpoint", "QueueEndpoint")]
    return ";".join([*kept, f"SharedAccessSignature={sas}"])


BOTH = Services(blob=True, queue=True)


@pytest.mark.parametrize(
    ("permissions", "cannot", "unseen"),
    [
        ("rwdlacup", "", set()),
        ("rdlaup", "write", {"delivery"}),
        ("rdlacup", "lease", set()),
        ("wdlacup", "read", set()),
        ("rwlacup", "delete", set()),
        ("rwdacup", "list", set()),
    ],
)
async def test_a_signature_that_allows_too_little(
    patient: Patient, loop: Loop, permissions: str, cannot: str, unseen: set[str]
) -> None:
    found = await patient.examine(TunedropStorage=signed(loop, permissions, BOTH))
    ill = {id: case for id, case in found.ill.items() if id in CONTAINERS}
    for name in STORES if cannot == "delete" else ():
        for blob in loop.container(name).list_blobs("tunedrop-doctor/"):
            loop.container(name).delete_blob(blob.name)
    whose = CONTAINERS - {"container:datasets"} if cannot == "lease" else CONTAINERS
    assert set(ill) == (whose if cannot else set())
    for case in ill.values():
        assert f"The app cannot {cannot} blobs" in case.seen
        assert "rwdlacup" in case.fix
    assert unseen <= found.unseen
    assert "sig=" not in "".join(f"{case.seen}{case.fix}" for case in found.cases)


async def test_a_signature_without_the_queue(patient: Patient, loop: Loop) -> None:
    found = await patient.examine(TunedropStorage=signed(loop, "rwdlacup", Services(blob=True)))
    assert set(found.ill) == {"queue"}
    assert "services b and q" in found.ill["queue"].fix


async def test_a_drop_that_failed_five_times(patient: Patient, loop: Loop) -> None:
    name = "webjobs-blobtrigger-poison"
    with QueueClient.from_connection_string(loop.stack.storage, name) as queue:
        queue.create_queue()
        try:
            queue.send_message("a drop")
            found = await patient.examine()
        finally:
            queue.delete_queue()
    assert set(found.ill) == {"queue"}
    assert "az storage message peek" in found.ill["queue"].fix


@pytest.fixture
def strict_azurite(tmp_path: Path, node: str) -> Iterator[str]:
    """One that insists on knowing the API version, as it does unless told otherwise."""
    ports = storage.free_ports()
    command = storage.azurite_command(node, AZURITE, tmp_path, ports)
    command.remove("--skipApiVersionCheck")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as azurite:
        try:
            storage.wait_ready(ports)
            yield storage.connection_string(ports)
        finally:
            azurite.terminate()


async def test_an_azurite_that_is_older_than_the_sdk(patient: Patient, strict_azurite: str) -> None:
    found = await patient.examine(TunedropStorage=strict_azurite)
    assert set(found.ill) == {"storage"}
    assert "azurite --skipApiVersionCheck" in found.ill["storage"].fix


async def test_events_that_do_not_arrive(patient: Patient) -> None:
    # The canary is dropped where nobody has subscribed.
    found = await patient.examine(wait=1, TUNEDROP_DATASETS_CONTAINER="feedback")
    assert set(found.ill) == {"delivery"}
    assert "event-subscription list" in found.ill["delivery"].fix


async def test_no_canary_is_left_behind(patient: Patient, loop: Loop) -> None:
    await patient.examine()
    left = [
        blob.name
        for container in STORES
        for blob in loop.container(container).list_blobs()
        if "tunedrop-doctor" in blob.name
    ]
    assert not left


async def test_a_timer_that_stands_still(patient: Patient) -> None:
    case = (await patient.examine(ahead=timedelta(minutes=20))).ill["timer"]
    assert "az functionapp restart" in case.fix


# ---- the app -----------------------------------------------------------------------------------


async def test_streaming_needs_its_setting_before_python_3_13(patient: Patient) -> None:
    found = await patient.examine(PYTHON_ENABLE_INIT_INDEXING=None)
    old = sys.version_info < (3, 13)
    assert set(found.ill) == ({"versions"} if old else set())


@pytest.mark.parametrize(
    ("store", "role"),
    [("datasets", "Storage Blob Data Owner"), ("runs", "Storage Blob Data Contributor")],
)
async def test_the_role_for_storage_by_identity(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, store: str, role: str
) -> None:
    """The words alone: Azurite has no roles that could be missing."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, patient.environ[name])
    environ = {
        **patient.environ,
        "TunedropStorage__blobServiceUri": "https://data.blob.core.windows.net",
    }
    del environ["TunedropStorage"]
    error = HttpResponseError("no")
    error.status_code, error.error_code = 403, "AuthorizationPermissionMismatch"  # type: ignore[attr-defined]
    async with Examined(environ, lambda: datetime.now(UTC), 0) as p:
        case = await blob_case(p, f"container:{store}", store, "write", error)
    assert case.fix == (
        "az role assignment create --assignee-object-id local --assignee-principal-type "
        f'ServicePrincipal --role "{role}" --scope "$(az storage account show --name data '
        f'--query id --output tsv)/blobServices/default/containers/{store}"'
    )
