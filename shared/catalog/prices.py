"""List prices of training and hosting: a row for each meter, with its regions.

Made by `python3 dev.py prices` from a published snapshot; not to be edited. `lookup` answers from
it. Government clouds are not in it.
"""

# fmt: off
# ruff: noqa: E501

from datetime import date

from shared.catalog.records import PriceRow, Source

TRAINING, HOSTING = "training", "hosting"  # USD per million tokens, USD per hour

SOURCE = Source("Azure Retail Prices API, by azure-genai-prices 0.2.0", date(2026, 8, 11))

_R1 = ("centralus", "eastus", "eastus2", "francecentral", "germanywestcentral", "northcentralus", "polandcentral", "southcentralus", "spaincentral", "swedencentral", "westeurope", "westus", "westus3",)
_R2 = ("northeurope",)
_R3 = ("australiaeast", "brazilsouth", "canadaeast", "eastus", "eastus2", "francecentral", "germanywestcentral", "japaneast", "koreacentral", "northcentralus", "norwayeast", "polandcentral", "southcentralus", "spaincentral", "swedencentral", "switzerlandnorth", "uaenorth", "uksouth", "westeurope", "westus", "westus3",)
_R4 = ("australiaeast", "brazilsouth", "canadaeast", "eastus", "eastus2", "francecentral", "germanywestcentral", "japaneast", "koreacentral", "northcentralus", "norwayeast", "polandcentral", "southafricanorth", "southcentralus", "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "uaenorth", "uksouth", "westeurope", "westus", "westus3",)
_R5 = ("eastus", "eastus2", "northcentralus", "southcentralus", "westus", "westus3",)
_R6 = ("swedencentral",)
_R7 = ("centralus",)
_R8 = ("eastus", "eastus2", "northcentralus", "southcentralus", "swedencentral", "westus", "westus3",)
_R9 = ("eastus2", "northcentralus", "southeastasia", "swedencentral",)
_R10 = ("eastus2", "northcentralus", "swedencentral",)
_R11 = ("southeastasia",)
_R12 = ("eastus2",)
_R13 = ("northcentralus", "swedencentral",)
_R14 = ("northcentralus", "southeastasia", "swedencentral",)
_R15 = ("centralus", "eastus", "eastus2", "francecentral", "germanywestcentral", "italynorth", "northcentralus", "polandcentral", "southcentralus", "spaincentral", "swedencentral", "westcentralus", "westeurope", "westus", "westus2", "westus3",)
_R16 = ("australiaeast", "australiasoutheast", "brazilsouth", "canadacentral", "canadaeast", "centralindia", "centralus", "eastus", "eastus2", "francecentral", "germanywestcentral", "indonesiacentral", "italynorth", "japaneast", "japanwest", "koreacentral", "northcentralus", "northeurope", "norwayeast", "polandcentral", "southafricanorth", "southcentralus", "southeastasia", "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uaenorth", "uksouth", "ukwest", "westcentralus", "westeurope", "westus", "westus2", "westus3",)
_R17 = ("denmarkeast", "malaysiawest", "qatarcentral",)
_R18 = ("germanynorth", "northeurope", "norwayeast", "switzerlandnorth", "switzerlandwest",)
_R19 = ("australiaeast", "belgiumcentral", "brazilsouth", "canadacentral", "canadaeast", "centralindia", "centralus", "eastasia", "eastus", "eastus2", "francecentral", "germanynorth", "germanywestcentral", "italynorth", "japaneast", "japanwest", "jioindiawest", "koreacentral", "northcentralus", "northeurope", "norwayeast", "polandcentral", "qatarcentral", "southafricanorth", "southcentralus", "southeastasia", "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uaenorth", "uksouth", "westcentralus", "westeurope", "westus", "westus2", "westus3",)
_R20 = ("indonesiacentral", "malaysiawest",)
_R21 = ("belgiumcentral", "denmarkeast", "germanynorth", "northeurope", "norwayeast",)
_R22 = ("australiaeast", "australiasoutheast", "belgiumcentral", "brazilsouth", "canadacentral", "canadaeast", "centralindia", "centralus", "eastasia", "eastus", "eastus2", "francecentral", "germanynorth", "germanywestcentral", "indonesiacentral", "italynorth", "japaneast", "japanwest", "jioindiawest", "koreacentral", "northcentralus", "northeurope", "norwayeast", "polandcentral", "qatarcentral", "southafricanorth", "southcentralus", "southeastasia", "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uaenorth", "uksouth", "ukwest", "westcentralus", "westeurope", "westus", "westus2", "westus3",)
_R23 = ("denmarkeast", "malaysiawest",)

ROWS = (
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "DatazoneStandard", 27.5, _R1, "4.1 ft training Dz Tokens", date(2026, 5, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "DatazoneStandard", 27.5, _R2, "4.1 ft training Dz Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "developerTier", 12.5, _R3, "gpt 4.1 dev ft training glbl Tokens", date(2025, 12, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "developerTier", 12.5, _R2, "gpt 4.1 dev ft training glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "globalStandard", 25, _R4, "gpt-4.1 FT Training global Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "globalStandard", 25, _R2, "gpt-4.1 FT Training global Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "standard", 27.5, _R5, "gpt-4.1 FT Training regional Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "standard", 30.25, _R6, "gpt-4.1 FT Training regional Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-2025-04-14", TRAINING, "standard", 33, _R2, "gpt-4.1 FT Training regional Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R1, "4.1 ft hosting Dz Unit", date(2026, 5, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R2, "4.1 ft hosting Dz Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R4, "gpt-4.1-ft hosting global Unit", date(2025, 4, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R7, "gpt-4.1-ft hosting global Unit", date(2025, 11, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R2, "gpt-4.1-ft hosting global Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "Standard", 1.7, _R7, "gpt-4.1-ft hosting regional Unit", date(2025, 11, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "Standard", 1.7, _R8, "gpt-4.1-ft hosting regional Unit", date(2025, 5, 1)),
    PriceRow("gpt-4.1-2025-04-14", HOSTING, "Standard", 1.7, _R2, "gpt-4.1-ft hosting regional Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "DatazoneStandard", 5.5, _R1, "4.1 mini ft training Dz Tokens", date(2026, 5, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "DatazoneStandard", 5.5, _R2, "4.1 mini ft training Dz Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "developerTier", 2.5, _R4, "gpt 4.1 mini dev ft training glbl Tokens", date(2025, 12, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "developerTier", 2.5, _R2, "gpt 4.1 mini dev ft training glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "globalStandard", 5, _R4, "gpt-4.1-mini FT Training global Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "globalStandard", 5, _R2, "gpt-4.1-mini FT Training global Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "standard", 5.5, _R5, "gpt-4.1-mini FT Training regional Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "standard", 6.05, _R6, "gpt-4.1-mini FT Training regional Tokens", date(2025, 4, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", TRAINING, "standard", 6.6, _R2, "gpt-4.1-mini FT Training regional Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R1, "4.1 mini ft hosting Dz Unit", date(2026, 5, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R2, "4.1 mini ft hosting Dz Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R4, "gpt-4.1-mini-ft hosting global Unit", date(2025, 4, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R7, "gpt-4.1-mini-ft hosting global Unit", date(2025, 11, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R2, "gpt-4.1-mini-ft hosting global Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "Standard", 1.7, _R7, "gpt-4.1-mini-ft hosting regional Unit", date(2025, 11, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "Standard", 1.7, _R8, "gpt-4.1-mini-ft hosting regional Unit", date(2025, 5, 1)),
    PriceRow("gpt-4.1-mini-2025-04-14", HOSTING, "Standard", 1.7, _R2, "gpt-4.1-mini-ft hosting regional Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "DatazoneStandard", 1.65, _R1, "4.1 nano ft training Dz Tokens", date(2026, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "DatazoneStandard", 1.65, _R2, "4.1 nano ft training Dz Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "developerTier", 0.75, _R4, "gpt 4.1 nano dev ft training glbl Tokens", date(2025, 12, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "developerTier", 0.75, _R2, "gpt 4.1 nano dev ft training glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "globalStandard", 1.5, _R4, "gpt-4.1-nano FT Training global Tokens", date(2025, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "globalStandard", 1.5, _R2, "gpt-4.1-nano FT Training global Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "standard", 1.65, _R5, "gpt-4.1-nano FT Training regional Tokens", date(2025, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "standard", 1.815, _R6, "gpt-4.1-nano FT Training regional Tokens", date(2025, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", TRAINING, "standard", 1.98, _R2, "gpt-4.1-nano FT Training regional Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R1, "4.1 nano ft hosting Dz Unit", date(2026, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "DataZoneStandard", 1.7, _R2, "4.1 nano ft hosting Dz Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R4, "gpt-4.1-nano-ft hosting global Unit", date(2025, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R7, "gpt-4.1-nano-ft hosting global Unit", date(2025, 11, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "GlobalStandard", 1.7, _R2, "gpt-4.1-nano-ft hosting global Unit", date(2026, 6, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "Standard", 1.7, _R8, "gpt-4.1-nano-ft hosting regional Unit", date(2025, 5, 1)),
    PriceRow("gpt-4.1-nano-2025-04-14", HOSTING, "Standard", 1.7, _R2, "gpt-4.1-nano-ft hosting regional Unit", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "DatazoneStandard", 27.5, _R1, "4o 0806 ft training Dz Tokens", date(2026, 5, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "DatazoneStandard", 27.5, _R2, "4o 0806 ft training Dz Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "developerTier", 12.5, _R9, "gpt 4o dev ft training glbl Tokens", date(2025, 12, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "developerTier", 12.5, _R2, "gpt 4o dev ft training glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "globalStandard", 25, _R10, "gpt-4o-0806-FT-Trng-glbl tkn Tokens", date(2024, 12, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "globalStandard", 25, _R2, "gpt-4o-0806-FT-Trng-glbl tkn Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "globalStandard", 25, _R11, "gpt-4o-0806-FT-Trng-glbl tkn Tokens", date(2025, 1, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "standard", 27.5, _R12, "gpt-4o-0806-FT-Trng-regnl tkn Tokens", date(2024, 10, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "standard", 27.5, _R13, "gpt-4o-0806-FT-Trng-regnl tkn Tokens", date(2024, 9, 1)),
    PriceRow("gpt-4o-2024-08-06", TRAINING, "standard", 33, _R11, "gpt-4o-0806-FT-Trng-regnl tkn Tokens", date(2025, 1, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "DataZoneStandard", 1.7, _R1, "4o 0806 ft hosting Dz Unit", date(2026, 5, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "DataZoneStandard", 1.7, _R2, "4o 0806 ft hosting Dz Unit", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "GlobalStandard", 1.7, _R10, "gpt-4o-0806-FT-Hstng-glbl Unit", date(2024, 12, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "GlobalStandard", 1.7, _R2, "gpt-4o-0806-FT-Hstng-glbl Unit", date(2026, 6, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "GlobalStandard", 1.7, _R11, "gpt-4o-0806-FT-Hstng-glbl Unit", date(2025, 1, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "Standard", 1.7, _R7, "gpt-4o-0806-FT-Hstng-regnl Unit", date(2025, 11, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "Standard", 1.7, _R12, "gpt-4o-0806-FT-Hstng-regnl Unit", date(2024, 10, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "Standard", 1.7, _R13, "gpt-4o-0806-FT-Hstng-regnl Unit", date(2024, 9, 1)),
    PriceRow("gpt-4o-2024-08-06", HOSTING, "Standard", 2.04, _R11, "gpt-4o-0806-FT-Hstng-regnl Unit", date(2025, 1, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "DatazoneStandard", 3.3, _R1, "4o mini 0718 ft training Dz Tokens", date(2026, 5, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "DatazoneStandard", 3.3, _R2, "4o mini 0718 ft training Dz Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "developerTier", 1.5, _R14, "gpt 4o mini dev ft training glbl Tokens", date(2025, 12, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "developerTier", 1.5, _R2, "gpt 4o mini dev ft training glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "globalStandard", 3, _R13, "gpt-4o-mini-0718-FT-Trng-glbl Tokens", date(2024, 12, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "globalStandard", 3, _R2, "gpt-4o-mini-0718-FT-Trng-glbl Tokens", date(2026, 6, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "globalStandard", 3, _R11, "gpt-4o-mini-0718-FT-Trng-glbl Tokens", date(2025, 1, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "standard", 3.3, _R13, "gpt-4o-mini-0718-FT-Trng-regnl Tokens", date(2024, 9, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", TRAINING, "standard", 3.96, _R11, "gpt-4o-mini-0718-FT-Trng-regnl Tokens", date(2025, 1, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "DataZoneStandard", 1.7, _R1, "4o mini 0718 ft hosting Dz Unit", date(2026, 5, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "DataZoneStandard", 1.7, _R2, "4o mini 0718 ft hosting Dz Unit", date(2026, 6, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "GlobalStandard", 1.7, _R13, "gpt-4o-mini-0718-FT-Hstng-glbl Unit", date(2024, 12, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "GlobalStandard", 1.7, _R2, "gpt-4o-mini-0718-FT-Hstng-glbl Unit", date(2026, 6, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "GlobalStandard", 1.7, _R11, "gpt-4o-mini-0718-FT-Hstng-glbl Unit", date(2025, 1, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "Standard", 1.7, _R13, "gpt-4o-mini-0718-FT-Hstng-regnl Unit", date(2024, 9, 1)),
    PriceRow("gpt-4o-mini-2024-07-18", HOSTING, "Standard", 2.04, _R11, "gpt-4o-mini-0718-FT-Hstng-regnl Unit", date(2025, 1, 1)),
    PriceRow("gpt-oss-20b", TRAINING, "DatazoneStandard", 4, _R15, "OSS 20b FT DZ Tokens", date(2026, 5, 1)),
    PriceRow("gpt-oss-20b", TRAINING, "globalStandard", 3.6, _R16, "OSS-20b FT Tokens", date(2025, 11, 1)),
    PriceRow("gpt-oss-20b", TRAINING, "globalStandard", 3.6, _R17, "OSS-20b FT Tokens", date(2026, 7, 1)),
    PriceRow("gpt-oss-20b", HOSTING, "DataZoneStandard", 0.33, _R15, "OSS 20b FT DZ Deployment Hosting Unit", date(2026, 5, 1)),
    PriceRow("gpt-oss-20b", HOSTING, "GlobalStandard", 0.3, _R16, "OSS-20b FT Deployment Hosting Unit", date(2025, 11, 1)),
    PriceRow("gpt-oss-20b", HOSTING, "GlobalStandard", 0.3, _R17, "OSS-20b FT Deployment Hosting Unit", date(2026, 7, 1)),
    PriceRow("Llama-3.3-70B-Instruct", TRAINING, "DatazoneStandard", 4.95, _R15, "3.3 70b FT DZ Tokens", date(2026, 5, 1)),
    PriceRow("Llama-3.3-70B-Instruct", TRAINING, "DatazoneStandard", 4.95, _R18, "3.3 70b FT DZ Tokens", date(2026, 7, 1)),
    PriceRow("Llama-3.3-70B-Instruct", TRAINING, "globalStandard", 4.5, _R19, "3.3 70b FT Tokens", date(2025, 12, 1)),
    PriceRow("Llama-3.3-70B-Instruct", TRAINING, "globalStandard", 4.5, _R20, "3.3 70b FT Tokens", date(2026, 7, 1)),
    PriceRow("Llama-3.3-70B-Instruct", TRAINING, "standard", 4.95, _R12, "3.3 70b FT regnl Tokens", date(2026, 5, 1)),
    PriceRow("Llama-3.3-70B-Instruct", HOSTING, "DataZoneStandard", 0.33, _R15, "3.3 70b FT DZ Deployment Hosting Unit", date(2026, 5, 1)),
    PriceRow("Llama-3.3-70B-Instruct", HOSTING, "DataZoneStandard", 0.33, _R18, "3.3 70b FT DZ Deployment Hosting Unit", date(2026, 7, 1)),
    PriceRow("Llama-3.3-70B-Instruct", HOSTING, "GlobalStandard", 0.3, _R19, "3.3 70b FT Deployment Hosting Unit", date(2025, 11, 1)),
    PriceRow("Llama-3.3-70B-Instruct", HOSTING, "GlobalStandard", 0.3, _R20, "3.3 70b FT Deployment Hosting Unit", date(2026, 7, 1)),
    PriceRow("Llama-3.3-70B-Instruct", HOSTING, "Standard", 0.33, _R12, "3.3 70b FT regnl Deployment Hosting Unit", date(2026, 5, 1)),
    PriceRow("Ministral-3B", TRAINING, "DatazoneStandard", 1.1, _R21, "Mnstrl 3b FT DZ Tokens", date(2026, 7, 1)),
    PriceRow("Ministral-3B", TRAINING, "DatazoneStandard", 1.1, _R15, "Mnstrl 3b FT DZ Tokens", date(2026, 5, 1)),
    PriceRow("Ministral-3B", TRAINING, "globalStandard", 1, _R22, "Mnstrl 3B FT Tokens", date(2025, 11, 1)),
    PriceRow("Ministral-3B", TRAINING, "globalStandard", 1, _R23, "Mnstrl 3B FT Tokens", date(2026, 7, 1)),
    PriceRow("Ministral-3B", TRAINING, "standard", 1.1, _R12, "Ministral 3bFTregnl Tokens", date(2026, 5, 1)),
    PriceRow("Ministral-3B", HOSTING, "DataZoneStandard", 0.715, _R21, "Mnstrl 3b FT DZ Deployment Hosting Unit", date(2026, 7, 1)),
    PriceRow("Ministral-3B", HOSTING, "DataZoneStandard", 0.715, _R15, "Mnstrl 3b FT DZ Deployment Hosting Unit", date(2026, 5, 1)),
    PriceRow("Ministral-3B", HOSTING, "GlobalStandard", 0.65, _R22, "Mnstrl 3B FT Deployment Hosting Unit", date(2025, 11, 1)),
    PriceRow("Ministral-3B", HOSTING, "GlobalStandard", 0.65, _R23, "Mnstrl 3B FT Deployment Hosting Unit", date(2026, 7, 1)),
    PriceRow("Ministral-3B", HOSTING, "Standard", 0.715, _R12, "Ministral 3bFTregnl Deployment Hosting Unit", date(2026, 5, 1)),
)
