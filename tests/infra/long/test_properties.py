"""Property names in the templates against the models in Microsoft's own SDKs.

It finds misspelt and misremembered names; not wrong values, nor a right name in a wrong place.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.environments import environment

from .. import bicep

SDKS = {
    "Microsoft.Authorization": ("authorization", "4.0.0"),
    "Microsoft.CognitiveServices": ("cognitiveservices", "14.1.0"),
    "Microsoft.Consumption": ("consumption", "11.0.0"),
    "Microsoft.EventGrid": ("eventgrid", "10.4.0"),
    "Microsoft.Insights": ("monitor", "7.0.0"),
    "Microsoft.Insights/components": ("applicationinsights", "4.1.0"),
    "Microsoft.ManagedIdentity": ("msi", "7.1.0"),
    "Microsoft.Network": ("network", "33.1.0"),
    "Microsoft.Network/privateDnsZones": ("privatedns", "2.0.0"),
    "Microsoft.OperationalInsights": ("loganalytics", "14.0.0"),
    "Microsoft.Storage": ("storage", "25.3.0"),
    "Microsoft.Web": ("web", "11.0.1"),
}
# The template language's own, or of every resource.
COMMON = {"name", "parent", "scope", "dependsOn", "location", "tags", "kind", "sku", "identity"}
COMMON |= {"properties", "type", "userAssignedIdentities", "principalId"}
# Keys that are names of people's choosing.
CHOSEN = {"nearly", "forecast"}


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    pins = [f"azure-mgmt-{name}=={version}" for name, version in SDKS.values()]
    python = environment("azure-models", *pins)
    script = Path(__file__).with_name("wire_names.py")
    done = subprocess.run(
        [str(python), str(script), *(name for name, _ in SDKS.values())],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return {package: set(names) for package, names in json.loads(done.stdout).items()}


def sdk(kind: str) -> str:
    longest = max((prefix for prefix in SDKS if kind.startswith(prefix)), key=len)
    return SDKS[longest][0]


def names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from names(part)
    elif isinstance(value, list):
        for part in value:
            yield from names(part)


def test_every_property_is_one_that_azure_knows(known: dict[str, set[str]]) -> None:
    resources = [r for file in bicep.all_files() for r in file.resources if not r.existing]
    assert len(resources) > 40
    unknown = {
        f"{resource.type}: {name}"
        for resource in resources
        for name in set(names(resource.body)) - COMMON - CHOSEN
        if "'" not in name and name not in known[sdk(resource.type)]
    }
    assert not unknown


def test_a_misspelt_property_would_be_found(known: dict[str, set[str]]) -> None:
    assert "allowSharedKeyAccess" in known["storage"]
    assert "allowSharedKeysAccess" not in known["storage"]
