"""Dated facts about the service: limits, models, prices. Data and look-ups, no judgement.

Limits: Azure OpenAI's page of quotas and limits (2026-03-19). Models and methods: its table of
models that can be fine-tuned (2026-10-06). Retirements: its page of retirements (2026-10-05).
Prices: the Retail Prices API as published by azure-genai-prices 0.2.0 (fetched 2026-08-11), list
prices in USD. All of it was read on READ_ON; after STALE_AFTER the check says that it is old.
"""

from dataclasses import dataclass
from datetime import date, timedelta

READ_ON = date(2026, 11, 22)
STALE_AFTER = timedelta(days=120)
RETIRES_SOON = timedelta(days=180)

MINIMUM_EXAMPLES = 10
SENSIBLE_EXAMPLES = 50  # the fine-tuning guide: "50 well-crafted demonstrations" as a start
MEGABYTE = 1_000_000
LARGEST_FILE = 512 * MEGABYTE
LARGE_FILE = 150 * MEGABYTE
TOKENS_PER_JOB = 2_000_000_000  # tokens times epochs
IMAGES_PER_EXAMPLE = 64
IMAGE_EXAMPLES = 50_000
LARGEST_IMAGE = 10 * MEGABYTE

# Of one account; an account may have more by request.
TUNED_DEPLOYMENTS, DEPLOYMENTS = 10, 32
JOBS, QUEUED_JOBS = 100, 20

HOSTING_PER_HOUR = 1.70  # each tuned deployment, used or not; some regions up to 2.06
HOURS_PER_MONTH = 720

SUPERVISED, DPO = "supervised", "dpo"
TIERS = {
    "globalstandard": "globalStandard",
    "standard": "standard",
    "developer": "developerTier",
    "developertier": "developerTier",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A base model. Prices are USD per million training tokens, by tier; empty if unknown."""

    name: str
    methods: tuple[str, ...]
    tokens_per_example: int = 65_536
    encoding: str = "o200k_base"
    training: tuple[tuple[str, float], ...] = ()
    training_ends: date | None = None
    deployments_end: date | None = None
    note: str = ""


def _tiers(world: float, region: float, developer: float) -> tuple[tuple[str, float], ...]:
    return (("globalStandard", world), ("standard", region), ("developerTier", developer))


_4O_ENDS = (date(2027, 4, 1), date(2027, 10, 1))
_41_ENDS = (date(2027, 4, 14), date(2027, 10, 14))
_BOTH = (SUPERVISED, DPO)
_OPEN = "Its tokenizer is not known here: tokens are counted as o200k_base and are near, not exact."

MODELS: tuple[Model, ...] = (
    Model("gpt-4.1-2025-04-14", _BOTH, training=_tiers(25, 27.5, 12.5),
          training_ends=_41_ENDS[0], deployments_end=_41_ENDS[1]),
    Model("gpt-4.1-mini-2025-04-14", _BOTH, training=_tiers(5, 5.5, 2.5),
          training_ends=_41_ENDS[0], deployments_end=_41_ENDS[1]),
    Model("gpt-4.1-nano-2025-04-14", _BOTH, 32_768, training=_tiers(1.5, 1.65, 0.75),
          training_ends=_41_ENDS[0], deployments_end=_41_ENDS[1]),
    Model("gpt-4o-2024-08-06", _BOTH, training=_tiers(25, 27.5, 12.5),
          training_ends=_4O_ENDS[0], deployments_end=_4O_ENDS[1]),
    Model("gpt-4o-mini-2024-07-18", (SUPERVISED,), training=_tiers(3, 3.3, 1.5),
          training_ends=_4O_ENDS[0], deployments_end=_4O_ENDS[1]),
    Model("o4-mini-2025-04-16", (), training_ends=date(2027, 4, 16),
          deployments_end=date(2027, 10, 16), note="It takes reinforcement fine-tuning only."),
    Model("gpt-5-2025-08-07", (), note="It takes reinforcement fine-tuning only, by invitation."),
    Model("gpt-35-turbo-0613", (), encoding="cl100k_base", training_ends=date(2025, 2, 13),
          deployments_end=date(2025, 2, 13), note="It was retired on 2025-02-13."),
    Model("gpt-oss-20b", (SUPERVISED,), note=_OPEN),
    Model("Ministral-3B", (SUPERVISED,), note=_OPEN),
    Model("Qwen3-32B", (SUPERVISED,), note=_OPEN),
    Model("Llama-3.3-70B", (SUPERVISED,), note=_OPEN),
)  # fmt: skip


def model(name: str) -> Model | None:
    """The base model of a name; of a tuned one (`base.ft-…`), the base that it was tuned from."""
    base = name.partition(".ft-")[0].lower()
    return next((known for known in MODELS if known.name.lower() == base), None)


def standard_regions(name: str) -> tuple[str, ...]:
    """Where the tier `standard` trains it (2026-03-05); the other tiers train nearly anywhere."""
    more = {"gpt-4o-2024-08-06": ("eastus2", "northcentralus", "swedencentral"),
            "o4-mini-2025-04-16": ("eastus2", "swedencentral")}  # fmt: skip
    return more.get(name.lower(), ("northcentralus", "swedencentral"))


def stale(today: date) -> bool:
    return today - READ_ON > STALE_AFTER
