"""Rights taken away by name: who meets a refusal, in which words, and who does not."""

import urllib.error
from collections.abc import Iterator

import openai
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from .harness import Running

DATA = "https://cognitiveservices.azure.com"


@pytest.fixture(autouse=True)
def given_back(emulator: Running) -> Iterator[None]:
    yield
    emulator.control("rights", "DELETE")


def test_a_token_without_the_data_action_is_told_which_one_it_lacks(emulator: Running) -> None:
    emulator.control("rights", "POST", {"remove": ["jobs.write"]})
    job = "/fine_tuning/jobs/ftjob-1/cancel"
    with emulator.v1(emulator.token(DATA)) as client:
        client.fine_tuning.jobs.list()
        with pytest.raises(openai.AuthenticationError) as refusal:
            client.post(job, cast_to=object)
    assert refusal.value.code == "PermissionDenied"
    assert "The principal `local` lacks the required data action" in refusal.value.message
    assert "accounts/OpenAI/fine-tunes/write`" in refusal.value.message


def test_the_control_plane_refuses_in_the_words_of_resource_manager(
    emulator: Running, arm: CognitiveServicesManagementClient
) -> None:
    emulator.control(
        "rights", "POST", {"remove": ["usages.read", "locations.read", "deployments.delete"]}
    )
    for refused in (
        lambda: list(arm.usages.list("swedencentral")),
        lambda: list(arm.models.list("swedencentral")),
        lambda: arm.deployments.begin_delete("rg", "account", "nobody").result(),
    ):
        with pytest.raises(HttpResponseError) as refusal:
            refused()
        assert refusal.value.status_code == 403
        assert refusal.value.error is not None
        assert refusal.value.error.code == "AuthorizationFailed"
    assert arm.accounts.list_usages("rg", "account").value


def test_keys_and_other_identities_keep_their_rights(emulator: Running, v1: OpenAI) -> None:
    emulator.control("rights", "POST", {"remove": ["files.read"], "identity": "local"})
    v1.files.list()
    with emulator.v1(emulator.token(f"{DATA}&client_id=somebody-else")) as other:
        other.files.list()
    with emulator.v1(emulator.token(DATA)) as client:
        with pytest.raises(openai.AuthenticationError):
            client.files.list()
        emulator.control("rights", "DELETE")
        client.files.list()


def test_a_right_that_nobody_has_cannot_be_taken_away(emulator: Running) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        emulator.control("rights", "POST", {"remove": ["jobs.watch"]})


def test_every_operation_but_polling_needs_a_known_right(emulator: Running) -> None:
    known = emulator.control("rights")["known"]
    needing = {name for right in known.values() for name in right["operations"]}
    free = set(emulator.control("faults")["operations"]) - needing
    assert free == {
        "operations.get",
        "accounts.usages",
        "locations.capacities",
        "subscription.capacities",
    }
