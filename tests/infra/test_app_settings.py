"""The settings that the templates set are those that the app reads, and the other way round."""

import json
from dataclasses import fields

from local.set_up import shipped
from shared.settings import REQUIRED, Settings

from . import bicep
from .conftest import INFRA, ROOT, load

APP = bicep.read(INFRA / "app.bicep")
# Read by the Functions host, its extensions, the Python worker and exporters of telemetry.
PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureFunctionsWebHost__hostid",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "TunedropStorage__clientId",
    "TunedropStorage__credential",
    "TunedropStorage__queueServiceUri",
}
# The Python worker's half of OpenTelemetry, of which host.json has the other: through Microsoft's
# distribution, which must then ship, or through exporters that the app sets up itself.
DISTRIBUTION = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
TELEMETRY = {DISTRIBUTION, "PYTHON_ENABLE_OPENTELEMETRY"}
# Settings that Azure does without, each with its reason.
NOT_IN_AZURE = {
    "TunedropStorage": "a connection string holds a key; storage takes none there",
    "AZURE_OPENAI_API_KEY": "the account takes no keys",
    "AZURE_OPENAI_SCOPE": "its default is right in the public cloud, for which the templates are",
    "AZURE_RESOURCE_MANAGER_ENDPOINT": "its default is right in the public cloud",
    "TUNEDROP_BLOB_SOURCE": "Flex Consumption takes Event Grid alone, which is its default",
    "TUNEDROP_TELEMETRY_FOLDER": "telemetry goes to Application Insights there",
}
# Follow from what was made: nobody may set them apart from it.
DERIVED = set(APP.variables["own"]) | {"TUNEDROP_ENTRA_TENANT"}


def settings() -> dict[str, object]:
    return {f.metadata["name"]: f.metadata["default"] for f in fields(Settings)}


def choosable() -> set[str]:
    return set(load("main.parameters.json")["parameters"]["settings"]["value"])


def test_the_template_sets_only_what_the_app_knows() -> None:
    assert set(settings()) >= DERIVED | choosable()


def test_every_setting_of_the_app_can_be_set_with_azd() -> None:
    missing = set(settings()) - DERIVED - choosable() - set(NOT_IN_AZURE)
    assert not missing, "add them to `settings` in infra/main.parameters.json: ${NAME=}"
    assert not choosable() & DERIVED
    assert set(settings()) >= set(NOT_IN_AZURE)


def test_what_the_app_cannot_start_without_follows_from_the_template() -> None:
    required = {name for name, default in settings().items() if default is REQUIRED}
    assert required <= set(APP.variables["own"])


def test_a_setting_is_chosen_by_its_own_name() -> None:
    chosen = load("main.parameters.json")["parameters"]["settings"]["value"]
    assert chosen == {name: f"${{{name}=}}" for name in chosen}


def test_the_platforms_settings_are_the_listed_ones() -> None:
    assert set(APP.variables["platform"]) - TELEMETRY == PLATFORM
    assert not PLATFORM & set(settings())
    assert "PYTHON_ENABLE_INIT_INDEXING: '1'" in APP.variables["streaming"]
    assert APP.variables["streaming"].startswith("pythonVersion == '3.13' ? {} :")
    merged = "union(settings, platform, streaming, own, signIn)"
    assert APP.resource("appSettings").body["properties"] == merged


def test_host_worker_and_packages_agree_about_telemetry() -> None:
    """A worker that promises to export by itself and cannot would take the logs with it."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    chosen = TELEMETRY & set(APP.variables["platform"])
    assert (host.get("telemetryMode") == "OpenTelemetry") == (len(chosen) == 1)
    ships = any(line.startswith("azure-monitor-opentelemetry==") for line in shipped())
    assert (DISTRIBUTION in chosen) == ships


def test_the_app_trusts_sign_in_headers_only_where_the_platform_sets_them() -> None:
    assert APP.variables["signIn"].startswith("empty(signInClientId) ? {} :")
    assert "if (!empty(signInClientId))" in APP.text.partition("resource authentication")[2][:120]


def test_settings_that_are_left_empty_keep_their_defaults() -> None:
    required = {
        n: "https://x.openai.azure.com" for n, default in settings().items() if default is REQUIRED
    }
    assert Settings.load(required | dict.fromkeys(choosable(), "")) == Settings.load(required)
