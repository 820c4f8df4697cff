"""Every dated fact about the service: limits, models, prices, regions. Data only.

Each fact stands here once, with its source and the date of that source, and nowhere else in the
project. It is a module and not a data file: the types are checked, nothing has to be packaged or
parsed, and a cold start reads it compiled. READ_ON is when all of it was last held against the
sources; after STALE_AFTER the check itself says that it is old.
"""

from datetime import date, timedelta

from shared.catalog.records import (
    AccountLimits,
    Dated,
    EpochsRule,
    FileLimits,
    FileStore,
    Guidance,
    Hosting,
    ImageLimits,
    ImageTokens,
    ModelFacts,
    Retirement,
    SeedRange,
    Source,
)

READ_ON = date(2026, 11, 22)
STALE_AFTER = timedelta(days=120)
RETIRES_SOON = timedelta(days=180)

MEGABYTE = 1_000_000

_LIMITS = Source("Azure OpenAI's page of quotas and limits", date(2026, 3, 19))
_RETAIL_PRICES = Source("Azure Retail Prices API, by azure-genai-prices 0.2.0", date(2026, 8, 11))

# ---- limits

FILES = FileLimits(
    source=_LIMITS,
    minimum_examples=10,
    largest_file=512 * MEGABYTE,
    tokens_per_job=2_000_000_000,
)

IMAGES = ImageLimits(
    source=Source("Azure OpenAI's guide to fine-tuning with vision", READ_ON),
    per_example=64,
    examples=50_000,
    largest=10 * MEGABYTE,
)

SEED = SeedRange(
    # An int32; whether a negative one is taken is not said, so none is sent.
    source=Source("Azure OpenAI's REST reference, Fine Tuning - Create", date(2024, 10, 21)),
    most=2**31 - 1,
)

GUIDANCE = Guidance(
    source=Source("Azure OpenAI's fine-tuning guide", READ_ON),
    sensible_examples=50,  # "50 well-crafted demonstrations" as a start
    large_file=150 * MEGABYTE,  # uploads over this have been seen to fail later, inside the job
)

ACCOUNT = AccountLimits(
    source=_LIMITS, tuned_deployments=10, deployments=32, jobs=100, queued_jobs=20
)

FILE_STORE = FileStore(source=_LIMITS, files=100, size=1_000 * MEGABYTE)

EPOCHS = EpochsRule(
    # What Azure chooses is not published and may differ.
    source=Source("OpenAI cookbook, Data preparation and analysis for chat", date(2023, 8, 22)),
    target=3,
    most=25,
    sensible_size=100,
)

# ---- models

SUPERVISED, DPO = "supervised", "dpo"
_BOTH = (SUPERVISED, DPO)
_OPEN = "Its tokenizer is not known here: tokens are counted as o200k_base and are near, not exact."

MODELS = Dated(
    Source("Azure OpenAI's table of models that can be fine-tuned", date(2026, 10, 6)),
    (
        ModelFacts("gpt-4.1-2025-04-14", _BOTH),
        ModelFacts("gpt-4.1-mini-2025-04-14", _BOTH),
        ModelFacts("gpt-4.1-nano-2025-04-14", _BOTH, 32_768),
        ModelFacts("gpt-4o-2024-08-06", _BOTH),
        ModelFacts("gpt-4o-mini-2024-07-18", (SUPERVISED,)),
        ModelFacts("o4-mini-2025-04-16", (), note="It takes reinforcement fine-tuning only."),
        ModelFacts(
            "gpt-5-2025-08-07", (), note="It takes reinforcement fine-tuning only, by invitation."
        ),
        ModelFacts(
            "gpt-35-turbo-0613", (), encoding="cl100k_base", note="It was retired on 2025-02-13."
        ),
        ModelFacts("gpt-oss-20b", (SUPERVISED,), note=_OPEN),
        ModelFacts("Ministral-3B", (SUPERVISED,), note=_OPEN),
        ModelFacts("Qwen3-32B", (SUPERVISED,), note=_OPEN),
        ModelFacts("Llama-3.3-70B", (SUPERVISED,), note=_OPEN),
    ),
)

_4O_ENDS = Retirement(date(2027, 4, 1), date(2027, 10, 1))
_41_ENDS = Retirement(date(2027, 4, 14), date(2027, 10, 14))

RETIREMENTS = Dated(
    Source("Azure OpenAI's page of retirements", date(2026, 10, 5)),
    {
        "gpt-4.1-2025-04-14": _41_ENDS,
        "gpt-4.1-mini-2025-04-14": _41_ENDS,
        "gpt-4.1-nano-2025-04-14": _41_ENDS,
        "gpt-4o-2024-08-06": _4O_ENDS,
        "gpt-4o-mini-2024-07-18": _4O_ENDS,
        "o4-mini-2025-04-16": Retirement(date(2027, 4, 16), date(2027, 10, 16)),
        "gpt-35-turbo-0613": Retirement(date(2025, 2, 13), date(2025, 2, 13)),
    },
)

# ---- training: tiers, prices, regions

TIERS = {  # what people write, in small letters → the service's own name
    "globalstandard": "globalStandard",
    "standard": "standard",
    "developer": "developerTier",
    "developertier": "developerTier",
}

TRAINING_PRICES = Dated(  # list prices in USD per million training tokens
    _RETAIL_PRICES,
    {
        "gpt-4.1-2025-04-14": {"globalStandard": 25, "standard": 27.5, "developerTier": 12.5},
        "gpt-4.1-mini-2025-04-14": {"globalStandard": 5, "standard": 5.5, "developerTier": 2.5},
        "gpt-4.1-nano-2025-04-14": {
            "globalStandard": 1.5,
            "standard": 1.65,
            "developerTier": 0.75,
        },
        "gpt-4o-2024-08-06": {"globalStandard": 25, "standard": 27.5, "developerTier": 12.5},
        "gpt-4o-mini-2024-07-18": {"globalStandard": 3, "standard": 3.3, "developerTier": 1.5},
    },
)

# An image is scaled to fit 2,048 × 2,048, then to 768 on its shorter side, and has a price for each
# tile of 512 × 512 besides that of `low`: eight tiles at the most. The smaller 4.1 models count
# patches of 32 × 32 instead, 1,536 at the most, times 1.62 or 2.46, whatever the `detail`.
_TILES = ImageTokens(85, 85 + 8 * 170)

IMAGE_TOKENS = Dated(
    Source("OpenAI's guide to images and vision, by notes and measurements", date(2025, 7, 17)),
    {
        "gpt-4.1-2025-04-14": _TILES,
        "gpt-4.1-mini-2025-04-14": ImageTokens(2_489, 2_489),
        "gpt-4.1-nano-2025-04-14": ImageTokens(3_779, 3_779),
        "gpt-4o-2024-08-06": _TILES,
        "gpt-4o-mini-2024-07-18": ImageTokens(2_833, 2_833 + 8 * 5_667),
    },
)

SKUS = Dated(  # what people write, in small letters → Azure Resource Manager's name
    # Provisioned SKUs take tuned models too; they cost by the unit, for which no price is known.
    Source("Azure OpenAI's guide to deploying tuned models", READ_ON),
    {
        "standard": "Standard",
        "globalstandard": "GlobalStandard",
        "datazonestandard": "DataZoneStandard",
        "developertier": "DeveloperTier",
        "developer": "DeveloperTier",
    },
)

HOSTING = Hosting(source=_RETAIL_PRICES, per_hour=1.70, hours_per_month=720)  # some regions 2.06

ANY_OTHER = "*"  # model

STANDARD_REGIONS = Dated(  # where the tier `standard` trains; the other tiers train nearly anywhere
    Source("Azure OpenAI's table of regions for fine-tuning", date(2026, 3, 5)),
    {
        "gpt-4o-2024-08-06": ("eastus2", "northcentralus", "swedencentral"),
        "o4-mini-2025-04-16": ("eastus2", "swedencentral"),
        ANY_OTHER: ("northcentralus", "swedencentral"),
    },
)
