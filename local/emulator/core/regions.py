"""Azure's regions where models are trained, by the name that ARM gives them. Dated data, pure.

S-DOC fine-tune-global-training-regions (2026-10-06). Knows no model.
"""

from typing import NamedTuple


class Region(NamedTuple):
    title: str  # as `x-ms-region` names it (S-HEADERS)
    # The data zone: S-DOC deployment-types. None: in neither.
    zone: str | None = None


REGIONS = {
    "swedencentral": Region("Sweden Central", "EU"),
    "northcentralus": Region("North Central US", "US"),
    "eastus2": Region("East US 2", "US"),
    "westeurope": Region("West Europe", "EU"),
    "australiaeast": Region("Australia East"),
    "brazilsouth": Region("Brazil South"),
    "canadacentral": Region("Canada Central"),
    "canadaeast": Region("Canada East"),
    "eastus": Region("East US", "US"),
    "francecentral": Region("France Central", "EU"),
    "germanywestcentral": Region("Germany West Central", "EU"),
    "italynorth": Region("Italy North", "EU"),
    "japaneast": Region("Japan East"),
    "koreacentral": Region("Korea Central"),
    "norwayeast": Region("Norway East"),
    "polandcentral": Region("Poland Central", "EU"),
    "southafricanorth": Region("South Africa North"),
    "southcentralus": Region("South Central US", "US"),
    "southeastasia": Region("Southeast Asia"),
    "southindia": Region("South India"),
    "spaincentral": Region("Spain Central", "EU"),
    "switzerlandnorth": Region("Switzerland North"),
    "switzerlandwest": Region("Switzerland West"),
    "uaenorth": Region("UAE North"),
    "uksouth": Region("UK South"),
    "westus": Region("West US", "US"),
    "westus3": Region("West US 3", "US"),
}


def region_named(name: str) -> str | None:
    """ARM takes a region's name and its title, in any case [inferred]."""
    plain = name.replace(" ", "").lower()
    return plain if plain in REGIONS else None
