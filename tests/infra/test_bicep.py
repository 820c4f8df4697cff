"""What can be known of the templates without Azure and without the Bicep compiler.

Types and API schemas are not checked here; tests/infra/long compares property names with
Microsoft's own models and runs checkov.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.catalog import facts, lookup
from shared.settings import Settings

from . import bicep
from .bicep import Expression, File, Resource, all_files
from .conftest import INFRA, ROOT, functions, load

MAIN = bicep.read(INFRA / "main.bicep")
RESOURCES = [(file, r) for file in all_files() for r in file.resources]
# Refused or meaningless on Flex Consumption, according to the plan's list of deprecations.
NOT_ON_FLEX = {
    "alwaysOn",
    "containerSize",
    "ftpsState",
    "functionAppScaleLimit",
    "http20Enabled",
    "isXenon",
    "linuxFxVersion",
    "preWarmedInstanceCount",
    "use32BitWorkerProcess",
    "windowsFxVersion",
}


def made(kind: str) -> list[Resource]:
    return [r for _, r in RESOURCES if r.type == kind and not r.existing]


def every(kind: str, path: str) -> set[Any]:
    """The values at a dotted path in all resources of a kind."""
    found = set()
    for resource in made(kind):
        value: Any = resource.body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found.add(value)
    return found


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_a_file_parses_and_uses_only_what_it_declares(file: File) -> None:
    assert file.broken == []
    assert file.undeclared == []


def test_api_versions_come_from_one_place() -> None:
    versions = load("versions.json")
    assert {(resource.type, resource.version) for _, resource in RESOURCES} == set(versions.items())
    assert all(kind.startswith("Microsoft.") for kind in versions)


def test_modules_are_files_that_get_the_parameters_they_ask_for() -> None:
    for module in MAIN.modules:
        file = bicep.read(INFRA / module.file)
        required = {name for name, default in file.params.items() if default is None}
        given = set(module.body.get("params", {}))
        assert required <= given, module.file
        assert given <= set(file.params), module.file


def test_what_main_reads_of_a_module_is_among_its_outputs() -> None:
    outputs = {m.symbol: set(bicep.read(INFRA / m.file).outputs) for m in MAIN.modules}
    for module, output in re.findall(r"\b(\w+)!?\.outputs\.(\w+)", MAIN.text):
        assert output in outputs[module], f"{module}.outputs.{output}"


def test_no_parameter_or_variable_is_left_unused() -> None:
    for file in all_files():
        on_purpose = re.findall(r"#disable-next-line no-unused-params\nparam (\w+)", file.text)
        for name in {*file.params, *file.variables} - set(on_purpose):
            uses = len(re.findall(rf"\b{name}\b", file.text))
            assert uses > 1, f"{file.path.name}: {name}"


# ---- the parameters that azd fills in


def parameters() -> dict[str, Any]:
    return {name: p["value"] for name, p in load("main.parameters.json")["parameters"].items()}


def substituted(value: Any) -> Any:
    """As azd does it in an environment where nothing is set: ${NAME=default}."""
    if isinstance(value, dict):
        return {key: substituted(part) for key, part in value.items()}
    return re.sub(r"\$\{\w+=?([^}]*)\}", r"\1", value)


def test_every_parameter_can_be_set_and_no_other() -> None:
    required = {name for name, default in MAIN.params.items() if default is None}
    assert set(parameters()) <= set(MAIN.params)
    assert required <= set(parameters())
    assert set(MAIN.params) == set(parameters())


def test_what_is_not_set_gets_the_templates_own_default() -> None:
    for name, value in parameters().items():
        if MAIN.params[name] is not None and name != "settings":
            assert substituted(value) == MAIN.params[name], name
    for name, allowed in MAIN.allowed.items():
        assert substituted(parameters()[name]) in allowed, name


def test_a_variable_of_azd_stands_for_one_thing() -> None:
    text = (INFRA / "main.parameters.json").read_text(encoding="utf-8")
    spelled = re.findall(r"\$\{(\w+)[^}]*\}", text)
    assert sorted(spelled) == sorted(set(spelled))
    assert text.count("${") == len(spelled)


# ---- regions


def test_the_base_model_that_is_taken_unless_told_otherwise_can_be_trained_somewhere() -> None:
    training = load("regions.json")["training"]
    model, tier = (Settings.one({}, name) for name in ("base_model", "training_type"))
    assert f"'{model}'" in MAIN.variables["baseModel"]
    assert f"'{tier}'" in MAIN.variables["trainingType"]
    assert training[tier].get(model, training[tier]["regions"])


def test_regions_name_tiers_and_models_that_the_catalog_knows() -> None:
    for tier, places in load("regions.json")["training"].items():
        assert tier in facts.TIERS.values()
        assert all(lookup.find_model(name) for name in places if name != "regions")
        for names in places.values():
            assert all(re.fullmatch(r"[a-z]+\d?", region) for region in names)
            assert len(names) == len(set(names))


def test_a_region_that_cannot_train_the_model_is_refused_with_the_reason() -> None:
    (module,) = (m for m in MAIN.modules if m.file == "openai.bicep")
    says = module.body["params"]["region"]
    assert bicep.read(INFRA / "openai.bicep").allowed["region"] == ["can train"]
    assert says.startswith("any(contains(trainable, accountLocation) ? 'can train' : ")
    assert "cannot be trained in" in says


# ---- what must be so for safety


def test_nothing_takes_a_key() -> None:
    storage, account = "Microsoft.Storage/storageAccounts", "Microsoft.CognitiveServices/accounts"
    assert every(storage, "properties.allowSharedKeyAccess") == {False}
    assert every(account, "properties.disableLocalAuth") == {True}
    assert every("Microsoft.Insights/components", "properties.DisableLocalAuth") == {True}
    workspaces = "Microsoft.OperationalInsights/workspaces"
    assert every(workspaces, "properties.features.disableLocalAuth") == {True}
    passwords = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
    assert every(passwords, "properties.allow") == {False}
    for file in all_files():
        keys = re.findall(r"list\w*Keys?\([^)]*\)[.\w]*", file.text, re.IGNORECASE)
        expected = ["systemKeys.blobs_extension"] if file.path.name == "subscription.bicep" else []
        assert [key.partition(")")[2].lstrip(".") for key in keys] == expected


def test_storage_is_encrypted_on_the_way_and_closed_to_the_world() -> None:
    kind = "Microsoft.Storage/storageAccounts"
    assert every(kind, "properties.minimumTlsVersion") == {"TLS1_2"}
    assert every(kind, "properties.supportsHttpsTrafficOnly") == {True}
    assert every(kind, "properties.allowBlobPublicAccess") == {False}
    private = {"isPrivate ? 'Disabled' : 'Enabled'"}
    assert every(kind, "properties.publicNetworkAccess") == private
    assert (
        every("Microsoft.CognitiveServices/accounts", "properties.publicNetworkAccess") == private
    )
    assert every(kind, "properties.networkAcls.defaultAction") == {"isPrivate ? 'Deny' : 'Allow'"}


def test_what_people_own_can_be_got_back() -> None:
    blobs = bicep.read(INFRA / "storage.bicep").resource("dataBlobs").body["properties"]
    assert blobs["isVersioningEnabled"] is True
    assert blobs["deleteRetentionPolicy"]["enabled"] is True
    assert blobs["containerDeleteRetentionPolicy"]["enabled"] is True


def test_old_versions_end_and_forgotten_conversations_end_sooner() -> None:
    lifecycle = bicep.read(INFRA / "storage.bicep").resource("lifecycle").body["properties"]
    rules = {rule["name"]: rule["definition"] for rule in lifecycle["policy"]["rules"]}
    assert set(rules) == {"old-versions", "forgotten-conversations", "dead-letters"}
    conversations = rules["forgotten-conversations"]
    assert conversations["filters"]["prefixMatch"] == ["'${containers.feedback}/'"]
    assert "appendBlob" in conversations["filters"]["blobTypes"]  # what conversations are kept in
    version = conversations["actions"]["version"]["delete"]
    assert version["daysAfterCreationGreaterThan"] == 1
    assert "feedback" not in str(rules["old-versions"]["filters"])


def test_the_account_signs_in_with_entra_on_a_name_of_its_own() -> None:
    (account,) = made("Microsoft.CognitiveServices/accounts")
    assert account.body["properties"]["customSubDomainName"] == "name"
    endpoint = "'https://${accountName}.openai.azure.com'"
    assert MAIN.outputs["AZURE_OPENAI_ENDPOINT"] == endpoint


# ---- the app


def site() -> dict[str, Any]:
    return dict(bicep.read(INFRA / "app.bicep").resource("app").body["properties"])


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from keys(part)


def test_the_app_is_on_flex_consumption_and_sets_nothing_that_it_refuses() -> None:
    (plan,) = made("Microsoft.Web/serverfarms")
    assert plan.body["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert not NOT_ON_FLEX & set(keys(site()))
    assert site()["httpsOnly"] is True


def test_the_code_is_fetched_with_the_identity() -> None:
    storage = site()["functionAppConfig"]["deployment"]["storage"]
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    package = bicep.read(INFRA / "storage.bicep").resource("package").body["name"]
    assert storage["value"].endswith(f"blob}}{package}'")


def test_one_instance_holds_many_streams() -> None:
    scale = site()["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["triggers"]["http"]["perInstanceConcurrency"] == "httpConcurrency"
    assert int(MAIN.params["httpConcurrency"]) >= 16  # Python's own default is 1


def test_python_is_one_that_the_project_supports_and_3_13_unless_told_otherwise() -> None:
    assert MAIN.params["pythonVersion"] == "3.13"
    assert MAIN.allowed["pythonVersion"] == ["3.11", "3.12", "3.13"]


# ---- events


def test_event_grid_calls_the_apps_own_function() -> None:
    file = bicep.read(INFRA / "subscription.bicep")
    trigger = functions()[file.params["functionName"]]
    assert trigger.get_binding_name() == "blobTrigger"
    assert trigger.path == "datasets/{name}"
    destination = file.resource("drops").body["properties"]["destination"]["properties"]
    assert destination["endpointUrl"] == (
        "'${address}?functionName=Host.Functions.${functionName}&code=${key}'"
    )
    assert file.variables["address"] == (
        "'https://${site.properties.defaultHostName}/runtime/webhooks/blobs'"
    )


def test_only_finished_blobs_of_the_datasets_container_are_delivered() -> None:
    drops = bicep.read(INFRA / "subscription.bicep").resource("drops").body["properties"]
    assert drops["filter"] == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": "'/blobServices/default/containers/${datasets}/blobs/'",
        "advancedFilters": [
            {
                "operatorType": "StringIn",
                "key": "data.api",
                "values": ["PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"],
            }
        ],
    }
    assert isinstance(drops["filter"]["subjectBeginsWith"], Expression)


def test_what_cannot_be_delivered_is_kept_where_the_identity_may_write() -> None:
    drops = bicep.read(INFRA / "subscription.bicep").resource("drops").body["properties"]
    letters = drops["deadLetterWithResourceIdentity"]
    assert letters["identity"] == {"type": "SystemAssigned"}
    container = letters["deadLetterDestination"]["properties"]["blobContainerName"]
    assert f"'{container}'" in (INFRA / "storage.bicep").read_text(encoding="utf-8")
    assert load("roles.json")["given"]["dead-letters"]["scope"] == f"container {container}"


def test_azd_finds_the_template_the_app_and_the_hooks() -> None:
    import yaml

    azure = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert (ROOT / azure["infra"]["path"] / f"{azure['infra']['module']}.bicep").exists()
    assert azure["services"]["app"] == {"project": ".", "language": "python", "host": "function"}
    tags = bicep.read(INFRA / "app.bicep").resource("app").body["tags"]
    assert "'azd-service-name': 'app'" in tags
    for hook in azure["hooks"].values():
        for platform in ("posix", "windows"):
            assert (ROOT / hook[platform]["run"]).exists()
