"""One thing is broken at a time: the doctor finds that, names its fix, and finds nothing else."""

import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from local import storage
from local.stack import SUBSCRIPTION
from shared.doctor import CHECKS, describe
from shared.doctor.rights import RIGHTS
from tests.doctor.conftest import ACCOUNT_SCOPE, CheckedApp
from tests.doctor.ids import (
    BLOCKED,
    CONTAINERS,
    DATA,
    UNREACHABLE,
    WITHOUT_CONTROL,
)
from tests.doctor.sessions import open_sessions
from tests.emulator.harness import BASE_MODEL


async def test_a_healthy_app_passes_every_check(app: CheckedApp) -> None:
    results = await app.check()
    assert not results.failed
    assert not results.unknown
    promised = {id for check in CHECKS for id in describe(check)[0].split(", ") if ":" not in id}
    found = {result.id for result in results.all}
    assert found == promised - {"rights"} | set(RIGHTS) | CONTAINERS


async def test_a_check_leaves_no_session_open(app: CheckedApp) -> None:
    before = open_sessions()
    await app.check(wait=0)
    assert open_sessions() <= before


@pytest.mark.parametrize("right", RIGHTS)
async def test_a_right_that_is_missing(app: CheckedApp, right: str) -> None:
    app.service.control("rights", "POST", {"remove": [right], "identity": "local"})
    results = await app.check()
    assert set(results.failed) == {right}
    assert results.unknown == BLOCKED.get(right, set())
    role, scope = "Cognitive Services OpenAI Contributor", ACCOUNT_SCOPE
    if right == "usages.read":
        role, scope = "Cognitive Services Usages Reader", f"/subscriptions/{SUBSCRIPTION}"
    assert results.failed[right].fix == (
        "az role assignment create --assignee-object-id local --assignee-principal-type "
        f'ServicePrincipal --role "{role}" --scope {scope}'
    )
    assert RIGHTS[right].action in results.failed[right].message


@dataclass
class Fault:
    """Settings of the app and of the emulator, and what the doctor should find."""

    failed: dict[str, tuple[str, str]]  # id: state, part of the fix
    changes: dict[str, str | None] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


def missing(name: str, unknown: set[str]) -> Fault:
    fix = f"--settings {name}=VALUE"
    return Fault({f"setting:{name}": ("problem", fix)}, {name: None}, unknown=unknown)


FAULTS = {
    "no endpoint": missing("AZURE_OPENAI_ENDPOINT", DATA | {"endpoint", "jobs-left"}),
    "no subscription": missing("AZURE_SUBSCRIPTION_ID", WITHOUT_CONTROL | {"endpoint"}),
    "no resource group": missing("AZURE_RESOURCE_GROUP", WITHOUT_CONTROL | {"endpoint"}),
    "no account": missing("AZURE_OPENAI_ACCOUNT", WITHOUT_CONTROL | {"endpoint"}),
    "no host storage": missing("AzureWebJobsStorage", set()),
    "not a number": Fault(
        {"setting:TUNEDROP_DEPLOYMENT_CAPACITY": ("problem", "TUNEDROP_DEPLOYMENT_CAPACITY=")},
        {"TUNEDROP_DEPLOYMENT_CAPACITY": "fifty"},
    ),
    "misspelt": Fault(
        {"setting:TUNEDROP_BASE_MODLE": ("warning", "Is TUNEDROP_BASE_MODEL meant?")},
        {"TUNEDROP_BASE_MODLE": BASE_MODEL},
    ),
    "nobody may chat": Fault(
        {"app-keys": ("warning", "sha256sum")},
        {"TUNEDROP_APP_KEYS": ""},
    ),
    "a key instead of its digest": Fault(
        {"app-keys": ("problem", "NAME:SHA256")},
        {"TUNEDROP_APP_KEYS": "me:SECRET"},
    ),
    "no identity": Fault(
        {"identity": ("problem", "az functionapp identity assign")},
        {"IDENTITY_HEADER": "wrong"},
        unknown=set(RIGHTS) | WITHOUT_CONTROL | {"endpoint", "jobs-left"},
    ),
    "a wrong key": Fault(
        {id: ("problem", "Leave out AZURE_OPENAI_API_KEY") for id in DATA},
        {"AZURE_OPENAI_API_KEY": "SECRET"},
        unknown={"jobs-left"},
    ),
    "nobody at the endpoint": Fault(
        {"endpoint": ("problem", "az cognitiveservices account show")},
        {"AZURE_OPENAI_ENDPOINT": UNREACHABLE},
        unknown=DATA | {"jobs-left"},
    ),
    "nobody at resource manager": Fault(
        {}, {"AZURE_RESOURCE_MANAGER_ENDPOINT": UNREACHABLE}, unknown=WITHOUT_CONTROL | {"endpoint"}
    ),
    "no such training type": Fault(
        {"setting:TUNEDROP_TRAINING_TYPE": ("problem", "globalStandard, standard")},
        {"TUNEDROP_TRAINING_TYPE": "cheap"},
    ),
    "a region without standard training": Fault(
        {"region": ("problem", "globalStandard, or use an account in northcentralus")},
        {"TUNEDROP_TRAINING_TYPE": "standard"},
        {"location": "westeurope"},
    ),
    "a base model that is not offered": Fault(
        {"base-model": ("problem", "gpt-4.1-mini-2025-04-14 or")},
        {"TUNEDROP_BASE_MODEL": "gpt-35-turbo-0613"},
        unknown={"sku", "quota"},
    ),
    "a SKU that is not offered": Fault(
        {"sku": ("problem", "GlobalStandard or")},
        {
            "TUNEDROP_BASE_MODEL": "gpt-4o-mini-2024-07-18",
            "TUNEDROP_DEPLOYMENT_SKU": "DeveloperTier",
        },
        unknown={"quota"},
    ),
    "quota used up": Fault(
        {"quota": ("problem", "Lower TUNEDROP_DEPLOYMENT_CAPACITY")},
        service={"quota_capacity": 40},
    ),
    "a deployment that is gone": Fault(
        {"base-deployments": ("problem", "Take it out of TUNEDROP_BASE_DEPLOYMENTS")},
        {"TUNEDROP_BASE_DEPLOYMENTS": "base,gone"},
    ),
    "no storage": Fault(
        {"storage": ("problem", "Set one of them")},
        {"TunedropStorage": None},
        unknown={"queue", "delivery", "timer", "redeployments", "orders", "orphans"},
    ),
    "storage's connection string cut off": Fault(
        {"storage": ("problem", "connection string")},
        {"TunedropStorage": "AccountKey=SECRET"},
        unknown={"queue", "delivery", "timer", "redeployments", "orders", "orphans"},
    ),
    "storage stopped": Fault(
        {"storage": ("problem", "python3 dev.py up")},
        {"TunedropStorage": storage.connection_string(storage.Ports(9, 9, 9))},
        unknown={"queue", "delivery", "timer", "redeployments", "orders", "orphans"},
    ),
    "storage by identity, without its queue": Fault(
        {
            "storage": ("problem", "its name known in DNS"),
            "queue": ("problem", "TunedropStorage__queueServiceUri="),
        },
        {"TunedropStorage": None, "TunedropStorage__blobServiceUri": "https://127.0.0.1:9"},
        unknown={"delivery", "timer", "redeployments", "orders", "orphans"},
    ),
    "a container that is missing": Fault(
        {"container:feedback": ("problem", "az storage container create --name nowhere")},
        {"TUNEDROP_FEEDBACK_CONTAINER": "nowhere"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_named_with_its_fix(app: CheckedApp, name: str) -> None:
    fault = FAULTS[name]
    app.service.settings(**fault.service)
    results = await app.check(**fault.changes)
    assert {id: result.state for id, result in results.failed.items()} == {
        id: state for id, (state, _) in fault.failed.items()
    }
    for id, (_, fix) in fault.failed.items():
        assert fix in results.failed[id].fix
    assert results.unknown == fault.unknown
    assert not any("SECRET" in f"{result.message}{result.fix}" for result in results.all)


async def test_streaming_needs_its_setting_before_python_3_13(app: CheckedApp) -> None:
    results = await app.check(PYTHON_ENABLE_INIT_INDEXING=None)
    old = sys.version_info < (3, 13)
    assert set(results.failed) == ({"versions"} if old else set())
