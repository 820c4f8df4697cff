"""What an account offers: which training and which deployment of which model, in its region."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import account_path
from .in_process import Inside, in_location, inside, refusal

OPEN = {
    "gpt-oss-20b-11": "Microsoft",
    "Ministral-3B": "Mistral AI",
    "Llama-3.3-70B-Instruct": "Meta",
    "Qwen3-32B": "Alibaba",
}
MINI, GPT_4O = "gpt-4.1-mini-2025-04-14", "gpt-4o-2024-08-06"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


def offered(emulator: Inside, name: str, location: str = "swedencentral") -> dict[str, Any]:
    """A model as ARM lists it for a region."""
    listed = emulator.arm.get(in_location(location, "models")).json()["value"]
    return dict(next(one["model"] for one in listed if one["model"]["name"] == name))


def skus(emulator: Inside, name: str, location: str) -> tuple[list[str], list[str]]:
    """Of the base, and of what is made from it."""
    found: tuple[list[str], list[str]] = ([], [])
    for sku in offered(emulator, name, location)["skus"]:
        found[sku["usageName"].endswith("-finetune")].append(sku["name"])
    return found


# ---- training


@pytest.mark.parametrize("model", OPEN)
def test_open_weights_are_not_trained_as_standard(emulator: Inside, model: str) -> None:
    file = emulator.file()
    status, code, message = refusal(emulator.train(model, file))
    assert (status, code) == (400, "invalidPayload")
    assert message.endswith(f"{model} does not support fine-tuning with Standard TrainingType.")
    assert refusal(emulator.train(model, file, "developerTier"))[0] == 400
    assert emulator.train(model, file, "GlobalStandard").status_code == 200


def test_a_job_without_a_type_is_a_standard_one(emulator: Inside) -> None:
    body = {"model": "Qwen3-32B", "training_file": emulator.file()}
    answer = emulator.data.post("/openai/v1/fine_tuning/jobs", json=body)
    assert "with Standard TrainingType" in refusal(answer)[2]


@pytest.mark.parametrize("kind", ["DatazoneStandard", "dataZone"])
def test_the_data_zone_trains_in_the_united_states(emulator: Inside, kind: str) -> None:
    file = emulator.file()
    assert refusal(emulator.train("Ministral-3B", file, kind))[0] == 400
    emulator.settings(location="westus3")
    made = emulator.train("Ministral-3B", file, kind)
    assert made.json()["trainingType"] == "datazoneStandard"


@pytest.mark.parametrize(
    ("location", "model", "kind", "status"),
    [
        ("swedencentral", MINI, "Standard", 200),
        ("northcentralus", MINI, "Standard", 200),
        ("eastus2", MINI, "Standard", 400),
        ("eastus2", GPT_4O, "Standard", 200),
        ("polandcentral", MINI, "GlobalStandard", 200),
        ("polandcentral", "gpt-4.1-nano-2025-04-14", "GlobalStandard", 400),
        ("uaenorth", MINI, "GlobalStandard", 400),
        ("uaenorth", "gpt-oss-120b", "GlobalStandard", 200),
    ],
)
def test_regions_of_training(
    emulator: Inside, location: str, model: str, kind: str, status: int
) -> None:
    emulator.settings(location=location)
    answer = emulator.train(model, emulator.file(), kind)
    assert answer.status_code == status
    if status == 400:
        assert refusal(answer)[2] == "The specified base model does not support fine-tuning."


@pytest.mark.parametrize(
    ("asked", "shown"), [("ministral-3b", "Ministral-3B"), ("gpt-oss-20b", "gpt-oss-20b-11")]
)
def test_names_are_repeated_as_the_service_spells_them(
    emulator: Inside, asked: str, shown: str
) -> None:
    assert emulator.train(asked, emulator.file(), "GlobalStandard").json()["model"] == shown


# ---- deployments


@pytest.mark.parametrize(("base", "format"), OPEN.items())
def test_the_publisher_is_the_format_letter_by_letter(
    emulator: Inside, base: str, format: str
) -> None:
    tuned = emulator.tuned(base)
    for wrong in ("OpenAI", "OpenAI-OSS", format.lower()):
        answer = emulator.put("open", tuned, sku="GlobalStandard", format=wrong)
        assert refusal(answer)[:2] == (500, "InternalServerError")
    assert emulator.arm.get(account_path("/deployments")).json()["value"] == []
    answer = emulator.put("open", tuned, sku="GlobalStandard", format=format)
    assert answer.status_code == 201
    assert answer.json()["properties"]["model"]["format"] == format


def test_a_base_is_unknown_under_another_format(emulator: Inside) -> None:
    wrong: dict[str, Any] = {"sku": "GlobalStandard", "format": "Meta", "version": "2411"}
    answer = emulator.put("open", "Ministral-3B", **wrong)
    assert refusal(answer)[:2] == (400, "DeploymentModelNotSupported")
    answer = emulator.put("mute", emulator.tuned("Ministral-3B"), format=None)
    assert refusal(answer)[:2] == (400, "DeploymentModelNotSupported")


@pytest.mark.parametrize("sku", ["Standard", "DataZoneStandard", "DeveloperTier"])
def test_open_weights_are_global_only(emulator: Inside, sku: str) -> None:
    tuned = emulator.tuned("Qwen3-32B")
    assert refusal(emulator.put("open", tuned, sku=sku, format="Alibaba")) == (
        400,
        "InvalidResourceProperties",
        f"The specified SKU '{sku}' of account deployment is not supported by the model '{tuned}'"
        " version: '1'.",
    )


@pytest.mark.parametrize("base", ["gpt-oss-120b", "Qwen3.6-35B-A3B"])
def test_a_tuned_preview_has_no_serverless_deployment(emulator: Inside, base: str) -> None:
    """It is trained and paid, and no SKU takes it."""
    assert offered(emulator, base)["lifecycleStatus"] == "Preview"
    assert skus(emulator, base, "eastus2")[1] == []
    assert emulator.train(base, emulator.file(), "GlobalStandard").status_code == 200
    format = "Microsoft" if "gpt" in base else "Alibaba"
    answer = emulator.put("open", emulator.tuned(base), sku="GlobalStandard", format=format)
    assert refusal(answer)[1] == "InvalidResourceProperties"


def test_its_base_may_have_one(emulator: Inside) -> None:
    assert skus(emulator, "gpt-oss-120b", "eastus2")[0] == ["GlobalStandard"]
    assert offered(emulator, "gpt-oss-120b")["format"] == "OpenAI-OSS"
    named: dict[str, Any] = {"sku": "GlobalStandard", "format": "OpenAI-OSS", "version": "1"}
    assert emulator.put("base", "gpt-oss-120b", **named).status_code == 201


@pytest.mark.parametrize(
    ("location", "trains", "deploys"),
    [
        ("swedencentral", True, True),
        ("northcentralus", True, False),
        ("eastus2", True, True),
        ("westeurope", False, False),
    ],
)
def test_what_is_trained_in_a_region_may_be_deployed_in_another_only(
    emulator: Inside, location: str, trains: bool, deploys: bool
) -> None:
    emulator.settings(location=location)
    answer = emulator.train(GPT_4O, emulator.file())
    assert (answer.status_code == 200) == trains
    assert ("Standard" in skus(emulator, "gpt-4o", location)[1]) == deploys
    answer = emulator.put("mine", emulator.tuned(GPT_4O))
    assert (answer.status_code == 201) == deploys
    if not deploys:
        assert refusal(answer)[1] == "InvalidResourceProperties"


def test_data_zones_are_in_two_parts_of_the_world(emulator: Inside) -> None:
    there = {
        location
        for location in ("swedencentral", "eastus", "uksouth", "japaneast", "switzerlandnorth")
        if "DataZoneStandard" in skus(emulator, "gpt-4.1", location)[1]
    }
    assert there == {"swedencentral", "eastus"}


# ---- what ARM tells


def test_the_list_of_a_region_is_what_holds_there(emulator: Inside) -> None:
    """Also of one that the account is not in: so can a better one be found."""
    nano = offered(emulator, "gpt-4.1-nano", "Poland Central")
    assert nano["finetuneCapabilities"] is None and "fineTune" not in nano["capabilities"]
    nano = offered(emulator, "gpt-4.1-nano", "northcentralus")
    assert nano["finetuneCapabilities"]["supportedTrainingTypes"].startswith("standard,datazone")
    llama = offered(emulator, "Llama-3.3-70B-Instruct")
    assert (llama["format"], llama["lifecycleStatus"]) == ("Meta", "GenerallyAvailable")
    assert llama["finetuneCapabilities"]["supportedTrainingTypes"] == "globalStandard"
    assert llama["deprecation"] == {"inference": "2099-12-31T00:00:00Z"}
    answer = emulator.arm.get(in_location("atlantis", "models"))
    assert refusal(answer)[:2] == (400, "NoRegisteredProviderFound")


def test_a_sku_tells_its_counter_its_bounds_and_its_end(emulator: Inside) -> None:
    mini = offered(emulator, "gpt-4.1-mini")
    found = {sku["usageName"]: sku for sku in mini["skus"]}
    base, tuned = (found[f"OpenAI.Standard.gpt4.1-mini{tail}"] for tail in ("", "-finetune"))
    assert base["name"] == tuned["name"] == "Standard"
    capacity = base["capacity"]
    assert (capacity["minimum"], capacity["default"], capacity["maximum"]) == (1, 10, 1_000_000)
    ends = [sku["deprecationDate"][:10] for sku in (base, tuned)]
    assert ends == ["2027-04-14", "2027-10-14"]
    dates = {key: day[:10] for key, day in mini["deprecation"].items()}
    assert dates == {"fineTune": "2027-04-14", "inference": "2027-04-14"}
    sku = offered(emulator, "Qwen3-32B")["skus"][1]
    assert sku["usageName"] == "AIServices.GlobalStandard.Qwen3-32B-finetune"
    assert sku["capacity"] == {"maximum": 1_000_000, "default": 500}


def test_a_model_is_listed_for_each_kind_of_account(emulator: Inside) -> None:
    """Who counts the entries counts it twice."""
    listed = emulator.arm.get(in_location("eastus2", "models")).json()["value"]
    kinds = [(one["model"]["name"], one["kind"]) for one in listed]
    assert [kind for name, kind in kinds if name == "gpt-4o"] == ["OpenAI", "AIServices"]
    assert [kind for name, kind in kinds if name == "Qwen3-32B"] == ["AIServices", "MaaS"]


def test_the_accounts_own_list_is_that_of_its_region(emulator: Inside) -> None:
    emulator.settings(location="eastus2")
    assert emulator.arm.get(account_path()).json()["location"] == "eastus2"
    listed = emulator.arm.get(account_path("/models")).json()["value"]
    assert next(one for one in listed if one["name"] == "gpt-4o") == offered(
        emulator, "gpt-4o", "eastus2"
    )


def test_the_data_plane_calls_open_weights_not_tunable(emulator: Inside) -> None:
    """The flag is wrong there (S-SKILL): who believes it cannot train them."""
    listed = emulator.data.get("/openai/v1/models").json()["data"]
    flags = {model["id"]: model["capabilities"]["fine_tune"] for model in listed}
    assert flags[MINI] and not any(flags[name] for name in OPEN)
