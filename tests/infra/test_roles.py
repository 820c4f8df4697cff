"""Who may do what: every role, to whom it is given, where, and that nothing else is."""

import re
from typing import Any

import pytest

from . import bicep
from .bicep import Resource
from .conftest import INFRA, load

# Azure's own ids of its built-in roles.
BUILT_IN = {
    "Cognitive Services OpenAI Contributor": "a001fd3d-188f-4b5d-821b-7da978bf7442",
    "Cognitive Services OpenAI User": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "Cognitive Services Contributor": "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68",
    "Cognitive Services Usages Reader": "bba48692-92b0-4667-a9ad-c31c7b334ac2",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
# What each key of roles.json means: role, where, to whom; with the template's words for the latter.
GIVEN = {
    "openai": ("Cognitive Services OpenAI Contributor", "account", "app"),
    "quota": ("Cognitive Services Usages Reader", "subscription", "app"),
    "host-blobs": ("Storage Blob Data Owner", "host storage", "app"),
    "host-queues": ("Storage Queue Data Contributor", "host storage", "app"),
    "datasets": ("Storage Blob Data Owner", "container datasets", "app"),
    "runs": ("Storage Blob Data Contributor", "container runs", "app"),
    "models": ("Storage Blob Data Contributor", "container models", "app"),
    "feedback": ("Storage Blob Data Contributor", "container feedback", "app"),
    "poison": ("Storage Queue Data Contributor", "data storage", "app"),
    "telemetry": ("Monitoring Metrics Publisher", "application insights", "app"),
    "dead-letters": ("Storage Blob Data Contributor", "container dead-letters", "event grid"),
    "drop": ("Storage Blob Data Contributor", "container datasets", "droppers"),
    "chat-direct": ("Cognitive Services OpenAI User", "account", "direct callers"),
}
SCOPES = {
    "account": "openAi",
    "subscription": None,  # a resource of a subscription template is there without saying so
    "host storage": "hostStorage",
    "data storage": "dataStorage",
    "application insights": "telemetry",
    "container datasets": "datasets",
    "container runs": "runs",
    "container models": "models",
    "container feedback": "feedback",
    "container dead-letters": "deadLetters",
}
PRINCIPALS = {
    "app": {"appId", "identity.outputs.principalId"},
    "event grid": {"topicId"},
    "droppers": {"dropperId"},
    "direct callers": {"trim(caller)"},
}


def assignments() -> dict[str, Resource]:
    """The role assignments in the templates, by their key in roles.json."""
    found = {}
    for file in bicep.all_files():
        for resource in file.resources:
            if resource.type == "Microsoft.Authorization/roleAssignments":
                reason = resource.body["properties"]["description"]
                (key,) = re.findall(r"roles(?:\.(\w+)|\['([\w-]+)'\])\.reason", reason)
                found[key[0] or key[1]] = resource
    return found


def test_the_table_is_what_was_decided() -> None:
    table = load("roles.json")["given"]
    assert {key: (r["name"], r["scope"], r["to"]) for key, r in table.items()} == GIVEN


def test_every_role_has_azures_own_id() -> None:
    table = load("roles.json")
    assert all(BUILT_IN[role["name"]] == role["id"] for role in table["given"].values())
    assert all(BUILT_IN[name] == role["id"] for name, role in table["not needed"].items())


@pytest.mark.parametrize("key", GIVEN)
def test_a_role_is_given_where_and_to_whom_the_table_says(key: str) -> None:
    _, scope, to = GIVEN[key]
    body = assignments()[key].body
    properties = body["properties"]
    assert body.get("scope") == SCOPES[scope]
    assert properties["principalId"] in PRINCIPALS[to]
    spelled = f"roles['{key}']" if "-" in key else f"roles.{key}"
    role = f"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', {spelled}.id)"
    assert properties["roleDefinitionId"].endswith(role)


def test_no_other_role_is_given() -> None:
    assert set(assignments()) == set(GIVEN)


def test_the_scopes_are_the_resources_that_they_sound_like() -> None:
    roles = bicep.read(INFRA / "roles.bicep")
    assert roles.resource("hostStorage").body["name"] == "hostAccount"
    assert roles.resource("dataStorage").body["name"] == "dataAccount"
    for name in ("datasets", "runs", "models", "feedback"):
        assert roles.resource(name).body == {"parent": "dataBlobs", "name": f"containers.{name}"}
    assert roles.resource("dataBlobs").body["parent"] == "dataStorage"


def test_the_custom_role_can_read_quota_and_nothing_else() -> None:
    role = bicep.read(INFRA / "main.bicep").resource("quotaReader").body["properties"]
    (permission,) = role["permissions"]
    assert permission == {
        "actions": [
            "Microsoft.CognitiveServices/locations/usages/read",
            "Microsoft.CognitiveServices/locations/models/read",
        ]
    }


def test_every_role_of_the_lab_is_placed_or_said_to_be_unneeded() -> None:
    table = load("roles.json")
    placed = {name for role in table["given"].values() for name in role["lab"]}
    of_the_lab = {
        "Cognitive Services OpenAI Contributor",
        "Cognitive Services OpenAI User",
        "Cognitive Services Contributor",
        "Cognitive Services Usages Reader",
    }
    assert placed | set(table["not needed"]) == of_the_lab


def test_reasons_fit_where_azure_keeps_them() -> None:
    reasons: list[Any] = [role["reason"] for role in load("roles.json")["given"].values()]
    assert all(20 < len(reason) <= 1024 for reason in reasons)
