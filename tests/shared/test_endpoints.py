"""The addresses of a resource that people copy from the portal, the documentation and examples."""

import dataclasses

import pytest

from shared.errors import SettingError
from shared.settings import Settings
from tests.support.settings import ENVIRON

SHOWN = [
    "https://acme.openai.azure.com",
    "https://acme.openai.azure.com/",
    "https://acme.openai.azure.com//",
    "https://acme.openai.azure.com/openai",
    "https://acme.openai.azure.com/openai/v1",
    "https://acme.openai.azure.com/openai/v1/",
    "https://acme.openai.azure.com/openai/v1/chat/completions",
    "https://acme.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
    "https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01",
    "https://acme.openai.azure.com/v1",
    "HTTPS://ACME.OpenAI.Azure.com/OpenAI/V1/",
    "http://acme.openai.azure.com/",
    "https://acme.openai.azure.com:443/",
    "https://acme.privatelink.openai.azure.com/",
    "acme.openai.azure.com",
    "acme.openai.azure.com/openai/v1",
    "  https://acme.openai.azure.com/  ",
    '"https://acme.openai.azure.com/"',
    "'https://acme.openai.azure.com'",
    '" https://acme.openai.azure.com "',
    "<https://acme.openai.azure.com/>",
    "“https://acme.openai.azure.com/”",
]
OTHER_HOSTS = {
    "https://acme.cognitiveservices.azure.com/": "https://acme.cognitiveservices.azure.com",
    "https://acme-resource.cognitiveservices.azure.com/openai/deployments/gpt-4o/chat/completions"
    "?api-version=2024-05-01-preview": "https://acme-resource.cognitiveservices.azure.com",
    "https://acme.services.ai.azure.com/models": "https://acme.services.ai.azure.com",
    "https://acme.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview": (
        "https://acme.services.ai.azure.com"
    ),
    "https://acme.services.ai.azure.com/api/projects/one": "https://acme.services.ai.azure.com",
    "https://acme.services.ai.azure.com/api/projects/one/openai/v1/": (
        "https://acme.services.ai.azure.com"
    ),
    "https://acme.openai.azure.us/openai/v1": "https://acme.openai.azure.us",
    "https://gateway.azure-api.net/team/openai/v1/": "https://gateway.azure-api.net/team",
    "https://gateway.azure-api.net/openai": "https://gateway.azure-api.net",
    "https://vm.westeurope.cloudapp.azure.com/x/": "https://vm.westeurope.cloudapp.azure.com/x",
    "http://127.0.0.1:8080/openai/v1/": "http://127.0.0.1:8080",
    "http://127.0.0.1:8080": "http://127.0.0.1:8080",
    "127.0.0.1:8080": "https://127.0.0.1:8080",
    "http://[::1]:8080/": "http://[::1]:8080",
    "http://emulator_1:8080/openai": "http://emulator_1:8080",
    "http://localhost": "http://localhost",
}


def endpoint(text: str, field_name: str = "openai_endpoint") -> str:
    found = {f.name: f.metadata["name"] for f in dataclasses.fields(Settings)}
    return str(Settings.one({found[field_name]: text}, field_name))


def refusal(text: str, field_name: str = "openai_endpoint") -> SettingError:
    with pytest.raises(SettingError) as refused:
        endpoint(text, field_name)
    return refused.value


@pytest.mark.parametrize("shown", SHOWN)
def test_every_form_of_a_resource_is_understood(shown: str) -> None:
    assert endpoint(shown) == "https://acme.openai.azure.com"


@pytest.mark.parametrize("shown", OTHER_HOSTS)
def test_other_hosts_are_understood_and_a_gateways_path_stays(shown: str) -> None:
    assert endpoint(shown) == OTHER_HOSTS[shown]
    assert endpoint(endpoint(shown)) == OTHER_HOSTS[shown]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acme", "not the address of a resource"),
        ("https://", "not the address of a resource"),
        ("https://<your-resource>.openai.azure.com/", "not the address of a resource"),
        ("ftp://acme.openai.azure.com", "not the address of a resource"),
        ("https://acme.openai.azure.com:port", "not the address of a resource"),
        ("https://openai.azure.com", "(openai.azure.com) is not an Azure OpenAI resource"),
        ("https://your_resource.openai.azure.com", "is not an Azure OpenAI resource"),
        ("https://eastus.api.cognitive.microsoft.com/", "is the address of a region"),
        ("https://ai.azure.com/resource/deployments", "(ai.azure.com) is not an Azure OpenAI"),
        ("https://portal.azure.com/#@acme/resource/x", "(portal.azure.com) is not an Azure OpenAI"),
        ("https://oai.azure.com", "is not an Azure OpenAI resource"),
        ("https://management.azure.com/", "is not an Azure OpenAI resource"),
        ("https://api.openai.com/v1", "(api.openai.com) is not an Azure OpenAI resource"),
        ("https://acme.eastus.models.ai.azure.com", "is not an Azure OpenAI resource"),
        ("https://acme.services.ai.azure.com/anthropic/v1", "has a path that is not of Azure"),
    ],
)
def test_another_address_is_refused_by_its_setting_with_the_right_form(
    text: str, said: str
) -> None:
    refused = refusal(text)
    assert "AZURE_OPENAI_ENDPOINT" in refused.message
    assert said in refused.message
    assert "https://NAME.openai.azure.com" in refused.fix


@pytest.mark.parametrize(
    "text",
    [
        "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "https://user:9f8e7d6c5b4a39281706@acme.openai.azure.com",
        "https://acme.eastus.models.ai.azure.com/?key=9f8e7d6c5b4a39281706",
        "e30." + "9f8e7d6c" * 10 + ".x",  # a token
    ],
)
def test_a_key_in_the_wrong_setting_is_not_shown(text: str) -> None:
    assert "9f8e7d6c" not in str(refusal(text))


def test_the_fallback_in_another_resource_is_understood_in_the_same_forms() -> None:
    setting = "previous, base, gpt@HTTPS://Acme.openai.azure.com/openai/v1/"
    environ = {**ENVIRON, "TUNEDROP_CHAT_FALLBACK": setting}
    expected = ("previous", "base", "gpt@https://acme.openai.azure.com")
    assert Settings.load(environ).chat_fallback == expected
    with pytest.raises(SettingError, match="TUNEDROP_CHAT_FALLBACK"):
        Settings.load({**ENVIRON, "TUNEDROP_CHAT_FALLBACK": "captain@2"})


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://acme.blob.core.windows.net/", "https://acme.blob.core.windows.net"),
        ("HTTPS://Acme.Blob.Core.Windows.net", "https://acme.blob.core.windows.net"),
        ("https://acme.z6.blob.storage.azure.net/", "https://acme.z6.blob.storage.azure.net"),
        ("http://127.0.0.1:10000/devstoreaccount1/", "http://127.0.0.1:10000/devstoreaccount1"),
    ],
)
def test_the_accounts_blob_endpoint_is_understood(text: str, right: str) -> None:
    assert endpoint(text, "storage_uri") == right


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acme", "not the address of a resource"),
        ("acme.blob.core.windows.net", "not the address of a resource"),
        ("http://acme.blob.core.windows.net", "is not reached by https"),
        ("https://acme.dfs.core.windows.net/", "is not the endpoint for blobs"),
        ("https://acme.z6.dfs.storage.azure.net/", "is not the endpoint for blobs"),
        ("https://acme.queue.core.windows.net/", "is not the endpoint for blobs"),
        ("https://acme.privatelink.blob.core.windows.net/", "is not the endpoint for blobs"),
        ("https://acme.blob.core.windows.net/datasets", "has the path of a container"),
        ("https://acme.blob.core.windows.net/?sv=2024&sig=s3cret", "has a query"),
    ],
)
def test_another_address_of_storage_is_refused_with_the_right_form(text: str, said: str) -> None:
    refused = refusal(text, "storage_uri")
    assert "TunedropStorage__blobServiceUri" in refused.message
    assert said in refused.message
    assert "s3cret" not in str(refused)
    assert "`?`" in refused.fix or "https://NAME.blob.core.windows.net" in refused.fix


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_that_a_tool_has_left_around_a_value_are_not_part_of_it(quote: str) -> None:
    environ = {"TUNEDROP_QUIET_SECONDS": f"{quote}7{quote}"}
    assert Settings.one(environ, "quiet_seconds") == 7
    environ = {"TUNEDROP_BASE_MODEL": f" {quote}gpt-4.1{quote} "}
    assert Settings.one(environ, "base_model") == "gpt-4.1"
    assert Settings.one({"TUNEDROP_BASE_MODEL": quote * 2}, "base_model"), "none is the default"


def test_the_control_planes_address_has_no_slash_at_its_end() -> None:
    assert endpoint("management.azure.com/", "arm_endpoint") == "https://management.azure.com"
