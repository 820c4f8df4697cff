"""The control plane through Microsoft's own SDK, and raw where the SDK hides what is tested."""

from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import PatchResourceTagsAndSku, Sku
from openai import OpenAI

from .harness import (
    QUESTION,
    Running,
    Tuned,
    account_path,
    answer_once_ready,
    deploy,
)

VERSION = "2025-04-14"
MODEL = {"format": "OpenAI", "name": "gpt-4.1", "version": VERSION}
BODY: dict[str, Any] = {
    "sku": {"name": "Standard", "capacity": 1},
    "properties": {"model": MODEL},
}
DAY = 24 * 3600
Client = CognitiveServicesManagementClient


def exists(arm: Client, name: str) -> bool:
    return name in [found.name for found in arm.deployments.list("rg", "account")]


@pytest.mark.parametrize("style", ["documented", "async-operation", "location", "resource"])
def test_every_style_of_waiting(emulator: Running, arm: Client, style: str) -> None:
    emulator.settings(long_running=style)
    name = f"style-{style}"
    made = deploy(arm, name, "gpt-4.1", VERSION)
    assert made.properties and made.properties.provisioning_state == "Succeeded"
    sku = Sku(name="Standard", capacity=3)
    change = PatchResourceTagsAndSku(tags={"team": "pirates"}, sku=sku)
    changed = arm.deployments.begin_update("rg", "account", name, change).result()
    assert (changed.tags, changed.sku and changed.sku.capacity) == ({"team": "pirates"}, 3)
    arm.deployments.begin_delete("rg", "account", name).result()
    with pytest.raises(ResourceNotFoundError):
        arm.deployments.get("rg", "account", name)
    assert emulator.effects("deployment", name)[:2] == ["created", "updated"]
    assert emulator.effects("deployment", name)[-1] == "deleted"


@pytest.mark.parametrize(
    ("style", "headers", "statuses"),
    [
        ("documented", ("azure-asyncoperation", "location", "location"), (201, 202, 202)),
        ("async-operation", ("azure-asyncoperation",) * 3, (201, 200, 202)),
        ("location", ("location",) * 3, (201, 202, 202)),
        ("resource", (None,) * 3, (201, 200, 200)),
    ],
)
def test_styles_on_the_wire(
    emulator: Running, style: str, headers: tuple[str | None, ...], statuses: tuple[int, ...]
) -> None:
    emulator.settings(long_running=style, creating_seconds=0)
    path = account_path(f"/deployments/wire-{style}")
    with emulator.arm_http() as client:
        answers = [
            client.put(path, json=BODY),
            client.patch(path, json={"sku": {"name": "Standard", "capacity": 2}}),
            client.delete(path),
        ]
    known = ("azure-asyncoperation", "location")
    assert [next((k for k in known if k in a.headers), None) for a in answers] == list(headers)
    assert tuple(answer.status_code for answer in answers) == statuses
    assert all(answer.headers["retry-after"] == "1" for answer in answers)
    emulator.advance(1)


def test_a_repeated_put_creates_nothing(emulator: Running, arm: Client) -> None:
    deploy(arm, "again", "gpt-4.1", VERSION)
    deploy(arm, "again", "gpt-4.1", VERSION, capacity=5)
    assert emulator.effects("deployment", "again") == ["created", "updated"]


def test_the_old_model_answers_until_the_new_one_is_ready(
    emulator: Running, arm: Client, v1: OpenAI
) -> None:
    deploy(arm, "changed", "gpt-4.1", VERSION)
    answer_once_ready(v1, "changed")
    emulator.settings(readiness_gap_seconds=3600)
    deploy(arm, "changed", "gpt-4.1-mini", VERSION)
    assert answer_once_ready(v1, "changed").model == f"gpt-4.1-{VERSION}"
    emulator.advance(3600)
    assert answer_once_ready(v1, "changed").model == f"gpt-4.1-mini-{VERSION}"


def test_capacity_shows_in_the_rate_limits(emulator: Running, arm: Client) -> None:
    shown = deploy(arm, "roomy", "gpt-4.1", VERSION, capacity=7).properties
    assert shown and shown.rate_limits
    limits = {limit.key: (limit.count, limit.renewal_period) for limit in shown.rate_limits}
    assert limits == {"request": (7, 60), "token": (7000, 60)}
    assert shown.current_capacity == 7


def test_rate_limits_can_be_enforced(emulator: Running, arm: Client, v1: OpenAI) -> None:
    deploy(arm, "narrow", "gpt-4.1", VERSION, capacity=2)
    answer_once_ready(v1, "narrow")
    emulator.settings(enforce_rate_limits=True)
    emulator.advance(60)  # what was asked until it was ready counts as well
    options: Any = {"model": "narrow", "messages": QUESTION, "max_tokens": 1}
    for _ in range(2):
        v1.chat.completions.create(**options)
    with pytest.raises(openai.RateLimitError) as refusal:
        v1.chat.completions.create(**options)
    pause = int(refusal.value.response.headers["retry-after"])
    emulator.advance(pause)
    v1.chat.completions.create(**options)


def test_writes_on_one_account_conflict(emulator: Running) -> None:
    emulator.settings(creating_seconds=60)
    with emulator.arm_http() as client:
        first, second = (account_path(f"/deployments/{name}") for name in ("one", "two"))
        client.put(first, json=BODY)
        assert client.put(second, json=BODY).status_code == 409
        assert client.delete(first).json()["error"]["code"] == "RequestConflict"
        emulator.advance(61)
        assert client.put(second, json=BODY).status_code == 201
        emulator.advance(61)


def test_usages_go_by_the_skus_usage_name(emulator: Running, arm: Client) -> None:
    models = [found.model for found in arm.models.list("swedencentral")]
    model = next(m for m in models if m and m.name == "gpt-4o-mini")
    name = next(s.usage_name for s in model.skus or [] if s.name == "GlobalStandard")
    assert name

    def usage() -> Any:
        return next(iter(arm.usages.list("swedencentral", filter=f"name.value eq '{name}'")))

    before = usage().current_value
    deploy(arm, "counted", "gpt-4o-mini", "2024-07-18", sku="globalstandard", capacity=12)
    assert (usage().current_value, usage().limit) == (before + 12, 1000)


def test_capacities_tell_what_is_left(emulator: Running, arm: Client, tuned: Tuned) -> None:
    deploy(arm, "takes-five", tuned.finished.fine_tuned_model, sku="DataZoneStandard", capacity=5)
    wanted = ("OpenAI", "gpt-4.1-nano", VERSION)
    for found in (
        arm.model_capacities.list(*wanted),
        arm.location_based_model_capacities.list("swedencentral", *wanted),
    ):
        left: Any = {one.properties.sku_name: one.properties for one in found if one.properties}
        assert left["DataZoneStandard"].available_capacity == 1000
        assert left["DataZoneStandard"].available_finetune_capacity == 995
        assert left["DeveloperTier"].available_capacity == 0  # of tuned models only
    assert not list(arm.model_capacities.list("OpenAI", "gpt-9", "1"))


def test_quota_is_finite(emulator: Running, arm: Client) -> None:
    deploy(arm, "greedy", "gpt-4o", "2024-08-06", sku="DataZoneStandard", capacity=990)
    with pytest.raises(HttpResponseError) as refusal:
        deploy(arm, "greedier", "gpt-4o", "2024-08-06", sku="DataZoneStandard", capacity=11)
    assert refusal.value.error and refusal.value.error.code == "InsufficientQuota"
    assert "available capacity 10. The current quota usage is 990" in str(refusal.value.message)
    deploy(arm, "greedy", "gpt-4o", "2024-08-06", sku="DataZoneStandard", capacity=1000)


def test_models_tell_what_can_be_done_with_them(arm: Client) -> None:
    found: Any = {model.name: model for model in arm.accounts.list_models("rg", "account")}
    nano = found["gpt-4.1-nano"]
    assert nano.capabilities["FineTuneTokensMaxValuePerExample"] == "32768"
    assert nano.finetune_capabilities
    assert nano.deprecation.fine_tune.startswith("2027-04-14")
    assert nano.lifecycle_status == "Legacy"
    assert {sku.name for sku in nano.skus} >= {"Standard", "GlobalStandard", "DeveloperTier"}


def test_the_account_and_its_keys(emulator: Running, arm: Client) -> None:
    account = arm.accounts.get("rg", "account")
    assert account.properties and account.properties.endpoint == f"{emulator.url}/"
    assert (account.kind, account.location) == ("OpenAI", "swedencentral")
    key = arm.accounts.list_keys("rg", "account").key1
    with emulator.v1(key or "") as client:
        assert client.models.list().data


def test_skus_of_a_deployment(arm: Client) -> None:
    deploy(arm, "choosy", "gpt-4.1", VERSION)
    names = {
        item.sku and item.sku.name for item in arm.deployments.list_skus("rg", "account", "choosy")
    }
    assert "Standard" in names and "DeveloperTier" not in names


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sku": {"name": "Gold"}}, "InvalidResourceProperties"),
        ({"sku": None}, "InvalidResourceProperties"),
        ({"sku": {"name": "Standard", "capacity": 0}}, "InvalidResourceProperties"),
        ({"sku": {"name": "DeveloperTier"}}, "InvalidResourceProperties"),
        ({"properties": {}}, "InvalidResourceProperties"),
        (
            {"properties": {"model": MODEL, "versionUpgradeOption": "x"}},
            "InvalidResourceProperties",
        ),
        ({"properties": {"model": {**MODEL, "name": "gpt-9"}}}, "DeploymentModelNotSupported"),
        ({"properties": {"model": {**MODEL, "version": "1"}}}, "DeploymentModelNotSupported"),
        ({"properties": {"model": {**MODEL, "format": "Meta"}}}, "DeploymentModelNotSupported"),
        ({"tags": {"a": 1}}, "InvalidResourceProperties"),
    ],
)
def test_deployments_are_checked(emulator: Running, change: dict[str, Any], code: str) -> None:
    with emulator.arm_http() as client:
        answer = client.put(account_path("/deployments/wrong"), json={**BODY, **change})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert client.get(account_path("/deployments/wrong")).status_code == 404


def test_gpt_4o_has_no_developer_deployment(emulator: Running, arm: Client) -> None:
    """S-DOC: only the 4.1 family and o4-mini have one; and only for what was tuned."""
    found = arm.accounts.list_models("rg", "account")
    skus = [(model.name, sku) for model in found for sku in model.skus or []]
    developer = {(name, sku.usage_name) for name, sku in skus if sku.name == "DeveloperTier"}
    assert developer == {
        (f"gpt-4.1{size}", f"OpenAI.DeveloperTier.gpt4.1{size}-finetune")
        for size in ("", "-mini", "-nano")
    }


def test_only_so_many_fine_tuned_deployments(emulator: Running, arm: Client, tuned: Tuned) -> None:
    deploy(arm, "last-one", tuned.finished.fine_tuned_model)
    state = emulator.control("state")["deployments"]
    emulator.settings(deployment_limit=sum(".ft-" in one["model"] for one in state))
    with pytest.raises(HttpResponseError, match="fine-tuned deployments already"):
        deploy(arm, "one-too-many", tuned.finished.fine_tuned_model)
    deploy(arm, "last-one", tuned.finished.fine_tuned_model, capacity=2)  # it is there already
    deploy(arm, "of-a-base", "gpt-4.1", VERSION)


def test_a_developer_deployment_lives_a_day(
    emulator: Running, arm: Client, v1: OpenAI, tuned: Tuned
) -> None:
    deploy(arm, "day-fly", tuned.finished.fine_tuned_model, sku="DeveloperTier")
    answer_once_ready(v1, "day-fly")
    emulator.advance(DAY - 60)
    answer_once_ready(v1, "day-fly")  # use does not lengthen it
    emulator.advance(61)
    assert not exists(arm, "day-fly")
    assert emulator.effects("deployment", "day-fly") == ["created", "deleted"]
    with pytest.raises(openai.NotFoundError):
        v1.chat.completions.create(model="day-fly", messages=QUESTION)


def test_an_idle_deployment_goes_and_its_model_stays(
    emulator: Running, arm: Client, v1: OpenAI, base: str, tuned: Tuned
) -> None:
    name = tuned.finished.fine_tuned_model
    deploy(arm, "used", name)
    deploy(arm, "idle", name)
    emulator.advance(10 * DAY)
    answer_once_ready(v1, "used")
    emulator.advance(5 * DAY)
    assert exists(arm, "used") and not exists(arm, "idle")
    assert exists(arm, base)  # a base model's deployment stays
    assert emulator.effects("deployment", "idle") == ["created", "deleted"]
    deploy(arm, "idle", name)
    assert answer_once_ready(v1, "idle").model == name


def test_a_conflict_is_not_an_existing_resource(emulator: Running, arm: Client) -> None:
    """The SDK's class says ResourceExists for every 409 (S-PROBE); only the code tells."""
    emulator.fault("request-conflict", "deployments.patch")
    deploy(arm, "patched", "gpt-4.1", VERSION)
    with pytest.raises(ResourceExistsError) as refusal:
        arm.deployments.begin_update("rg", "account", "patched", PatchResourceTagsAndSku(tags={}))
    assert refusal.value.error and refusal.value.error.code == "RequestConflict"
