"""Every dated fact about the service: limits, models, lifecycles, regions. Data only.

Each fact stands here once, with its source and the date of that source, and nowhere else in the
project; prices, which are many and made from a snapshot, stand in `prices`. It is a module and not
a data file: the types are checked, nothing has to be packaged or parsed, and a cold start reads it
compiled. READ_ON is when all of it was last held against the sources; after STALE_AFTER the check
itself says that it is old.
"""

from datetime import date, timedelta

from shared.catalog.records import (
    AccountLimits,
    Dated,
    DeploymentLife,
    EpochsRule,
    FileLimits,
    FileStore,
    Guidance,
    ImageLimits,
    ImageTokens,
    ModelFacts,
    Retirement,
    SeedRange,
    Source,
    TokenMargin,
)

READ_ON = date(2026, 11, 27)
STALE_AFTER = timedelta(days=30)  # the page of retirements changed three times in five months
RETIRES_SOON = timedelta(days=180)

MEGABYTE = 1_000_000

_LIMITS = Source("Azure OpenAI's page of quotas and limits", date(2026, 3, 19))

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

DEPLOYMENT_LIFE = DeploymentLife(
    source=Source("Azure OpenAI's guide to deploying tuned models", READ_ON),
    idle_days=15,
    developer_hours=24,
    checkpoints=3,
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

# The service's own names of training types. Data zone's is not documented for fine-tuning jobs: it
# is spelled as in azure-ai-finetuningsessions 1.0.0b1, whose other names are those of the jobs.
GLOBAL, REGIONAL, DEVELOPER, DATA_ZONE = (
    *("globalStandard", "standard", "developerTier", "DatazoneStandard"),
)

TIERS = {  # what people write, in small letters → the service's own name
    "globalstandard": GLOBAL,
    "standard": REGIONAL,
    "developer": DEVELOPER,
    "developertier": DEVELOPER,
    "datazone": DATA_ZONE,
    "datazonestandard": DATA_ZONE,
}

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

_ALL_TIERS = (GLOBAL, REGIONAL, DATA_ZONE, DEVELOPER)
_SERVED = ("GlobalStandard", "Standard", "DataZoneStandard")
_ALL_SKUS = (*_SERVED, "DeveloperTier")

_GPT_4O = ModelFacts("", _BOTH, tiers=_ALL_TIERS, skus=_SERVED)
_GPT_41 = ModelFacts("", _BOTH, tiers=_ALL_TIERS, skus=_ALL_SKUS)
_OPEN = ModelFacts(  # how many tokens an example may have is not published; that of most is taken
    "",
    (SUPERVISED,),
    tiers=(GLOBAL, DATA_ZONE),
    skus=("GlobalStandard",),
    exact_tokens=False,
    note="Its tokenizer is not packaged here: tokens are counted as o200k_base and are near, "
    "not exact.",
)
_PREVIEW = _OPEN._replace(
    tiers=(GLOBAL, DEVELOPER),
    skus=(),
    preview=True,
    note="It is a preview without serverless deployment: a tuned one is served by managed compute "
    "or Fireworks alone, which this app does not set up.",
)

MODELS = Dated(
    # Formats: Microsoft's fine-tuning skill, 2026-08; those of Qwen and Muse are their publishers'.
    Source("Azure OpenAI's table of models that can be fine-tuned", date(2026, 10, 6)),
    (
        _GPT_41._replace(name="gpt-4.1-2025-04-14", takes_images=True),
        _GPT_41._replace(name="gpt-4.1-mini-2025-04-14"),
        _GPT_41._replace(name="gpt-4.1-nano-2025-04-14", tokens_per_example=32_768),
        _GPT_4O._replace(name="gpt-4o-2024-08-06", takes_images=True),
        _GPT_4O._replace(name="gpt-4o-mini-2024-07-18", methods=(SUPERVISED,)),
        ModelFacts(
            "o4-mini-2025-04-16",
            (),
            tiers=_ALL_TIERS,
            skus=_ALL_SKUS,
            note="It takes reinforcement fine-tuning only.",
        ),
        ModelFacts(
            "gpt-5-2025-08-07",
            (),
            tiers=(GLOBAL, REGIONAL, DATA_ZONE),
            skus=("Standard",),
            note="It takes reinforcement fine-tuning only, by invitation.",
        ),
        ModelFacts(
            "gpt-35-turbo-0613", (), encoding="cl100k_base", note="It was retired on 2025-02-13."
        ),
        # o200k_harmony, its tokenizer, has o200k_base's tokens for texts, and signs of its own.
        _OPEN._replace(name="gpt-oss-20b", format="Microsoft", exact_tokens=True, note=""),
        _OPEN._replace(name="Ministral-3B", format="Mistral AI"),
        _OPEN._replace(name="Qwen3-32B", format="Alibaba"),
        _OPEN._replace(name="Llama-3.3-70B-Instruct", format="Meta"),
        _PREVIEW._replace(name="gpt-oss-120b", format="Microsoft", exact_tokens=True),
        _PREVIEW._replace(name="Qwen3.6-35B-A3B", format="Alibaba"),
        _PREVIEW._replace(name="Qwen3.8-27B", format="Alibaba"),
        _PREVIEW._replace(name="Muse-Glimmer-30B", format="Meta"),
    ),
)

TOKEN_MARGIN = TokenMargin(Source("not measured: a caution", READ_ON), factor=2.0)

OTHER_NAMES = {  # in small letters → the name above; people and older tables write these
    "llama-3.3-70b": "Llama-3.3-70B-Instruct",
    "ministral-3b-2411": "Ministral-3B",
    # The platform's id, with which the names of its tuned versions begin (azure-skills).
    "gpt-oss-20b-11": "gpt-oss-20b",
}

_4O_ENDS = Retirement(date(2027, 4, 1), date(2027, 10, 1), date(2027, 4, 14), new_customers=False)
_41_ENDS = Retirement(date(2027, 4, 14), date(2027, 10, 14), date(2027, 4, 14))

RETIREMENTS = Dated(
    # The bases' own dates are from the version of 2026-09-02. A deprecated base takes nobody new,
    # and training to the end is for existing customers alone.
    Source("Azure OpenAI's page of retirements", date(2026, 10, 5)),
    {
        "gpt-4.1-2025-04-14": _41_ENDS,
        "gpt-4.1-mini-2025-04-14": _41_ENDS,
        "gpt-4.1-nano-2025-04-14": _41_ENDS,
        "gpt-4o-2024-08-06": _4O_ENDS,
        "gpt-4o-mini-2024-07-18": _4O_ENDS,
        "o4-mini-2025-04-16": Retirement(
            date(2027, 4, 16), date(2027, 10, 16), date(2026, 10, 16), new_customers=False
        ),
        "gpt-5-2025-08-07": Retirement(None, None, date(2027, 2, 9)),
        "gpt-35-turbo-0613": Retirement(
            date(2025, 2, 13), date(2025, 2, 13), date(2025, 2, 13), new_customers=False
        ),
    },
)

# ---- images, regions, hours

# An image is scaled to fit 2,048 × 2,048, then to 768 on its shorter side, and has a price for each
# tile of 512 × 512 besides that of `low`: eight tiles at the most.
_TILES = ImageTokens(85, 85 + 8 * 170)

IMAGE_TOKENS = Dated(
    Source("OpenAI's guide to images and vision, by notes and measurements", date(2025, 7, 17)),
    {"gpt-4.1-2025-04-14": _TILES, "gpt-4o-2024-08-06": _TILES},
)

HOURS_PER_MONTH = 720

ANY_OTHER = "*"  # model

STANDARD_REGIONS = Dated(  # where the tier `standard` trains; the other tiers train nearly anywhere
    Source("Azure OpenAI's table of regions for fine-tuning", date(2026, 3, 5)),
    {
        "gpt-4o-2024-08-06": ("eastus2", "northcentralus", "swedencentral"),
        "o4-mini-2025-04-16": ("eastus2", "swedencentral"),
        ANY_OTHER: ("northcentralus", "swedencentral"),
    },
)

DEPLOYMENT_REGIONS = Dated(  # where a tuned model is deployed as Standard; other SKUs have no table
    Source("Azure OpenAI's table of regions for standard deployments", date(2026, 10, 7)),
    {
        "gpt-4o-2024-08-06": ("eastus2", "swedencentral"),
        "o4-mini-2025-04-16": ("eastus2", "swedencentral"),
        ANY_OTHER: ("northcentralus", "swedencentral"),
    },
)
