"""The base models under Azure's names: what each can do, where, and until when. Dated data.

Pure. As of 10/2026: S-DOC fine-tune-supported-models (2026-10-06), model-retirement-schedule
(2026-09-02), fine-tune-standard-deployment-regions (2026-10-07); for open weights also S-SKILL
deployment-formats. What follows from the data is `offers` and `lifecycle`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime


def _at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


STANDARD, GLOBAL, DEVELOPER_TRAINING = "standard", "globalStandard", "developerTier"
# Microsoft's SDK of fine-tuning sessions writes DatazoneStandard; for jobs it is [inferred].
DATA_ZONE = "datazoneStandard"

DEVELOPER = "DeveloperTier"
SKUS = (
    "Standard",
    "GlobalStandard",
    "DataZoneStandard",
    DEVELOPER,
    "ProvisionedManaged",
    "GlobalProvisionedManaged",
)
PROVISIONED = {"ProvisionedManaged", "GlobalProvisionedManaged"}

# What the service calls what is asked of a model (langchainjs#1510, graphrag#1557, ragas#1277); the
# second is [inferred].
CHAT, RESPONSES, EMBEDDINGS, COMPLETION = "chatCompletion", "responses", "embeddings", "completion"

# What ARM calls the stages of a model's life (S-MGMT). The documentation's "Deprecated" (for those
# only who have it already) is ARM's Deprecating, its "Retired" is ARM's Deprecated.
PREVIEW, AVAILABLE, LEGACY = "Preview", "GenerallyAvailable", "Legacy"
DEPRECATING, DEPRECATED = "Deprecating", "Deprecated"
# What ARM lists for a model that has no date (foundry-models' answers of 2026).
NO_END = _at(2099, 12, 31)


@dataclass(frozen=True)
class Ends:
    """When what ends. "No earlier than" in the documentation; here it ends on that day."""

    training: int | None = None  # of new jobs
    base: int = NO_END  # deployments of the base itself
    tuned: int = NO_END  # deployments of what was made from it


@dataclass(frozen=True)
class BaseModel:
    """`status`: the stage that it was in when the sources were read. `deprecating`: from when on
    only those may begin with it who have deployed it before. `operations`: what can be asked of it,
    in the service's words for that. `trained_on_images`: S-DOC, fine-tuning-vision."""

    name: str
    version: str  # ARM's
    id: str  # the data plane's name of it, with which the names of its tuned models begin
    methods: tuple[str, ...]
    tokens_per_example: int
    tiers: tuple[str, ...]  # of training
    base_skus: tuple[str, ...]
    tuned_skus: tuple[str, ...]
    format: str = "OpenAI"  # of a deployment of a tuned one, in exactly this spelling (S-SKILL)
    listed_format: str = ""  # of the base, where it has another one
    ends: Ends = Ends()
    status: str = AVAILABLE
    deprecating: int | None = None
    # Regions: of training as `standard`, of deployments of tuned ones by SKU; and where it is
    # not trained at all. A SKU that is not named is everywhere.
    trained_in: tuple[str, ...] = ()
    deployed_in: dict[str, tuple[str, ...]] = field(default_factory=dict)
    not_in: tuple[str, ...] = ()
    operations: tuple[str, ...] = (CHAT, RESPONSES)
    trained_on_images: bool = False

    @property
    def base_format(self) -> str:
        return self.listed_format or self.format

    @property
    def is_open(self) -> bool:
        return self.format != "OpenAI"


_BOTH, _SUPERVISED = ("supervised", "dpo"), ("supervised",)
_EVERY_TIER = (STANDARD, DATA_ZONE, GLOBAL, DEVELOPER_TRAINING)
_BASE_SKUS = tuple(sku for sku in SKUS if sku != DEVELOPER)  # [inferred] from its description
_CENTRAL, _NORTH, _EAST = "swedencentral", "northcentralus", "eastus2"


def _gpt_41(name: str, tokens: int, not_in: tuple[str, ...] = ()) -> BaseModel:
    return BaseModel(
        name,
        "2025-04-14",
        f"{name}-2025-04-14",
        _BOTH,
        tokens,
        _EVERY_TIER,
        _BASE_SKUS,
        SKUS,
        ends=Ends(_at(2027, 4, 14), _at(2027, 4, 14), _at(2027, 10, 14)),
        status=LEGACY,
        # A model is Deprecated for at least 90 days before it retires (S-DOC
        # model-lifecycle-retirement); that it will be 90 is [inferred].
        deprecating=_at(2027, 1, 14),
        trained_in=(_NORTH, _CENTRAL),
        # For the smaller two the table has no row of provisioned throughput: [inferred].
        deployed_in={"Standard": (_NORTH, _CENTRAL), "ProvisionedManaged": (_CENTRAL,)},
        not_in=not_in,
        trained_on_images=name == "gpt-4.1",
    )


def _gpt_4o(
    name: str,
    version: str,
    methods: tuple[str, ...],
    trained_in: tuple[str, ...],
    deployed_in: tuple[str, ...],
) -> BaseModel:
    return BaseModel(
        name,
        version,
        f"{name}-{version}",
        methods,
        65_536,
        _EVERY_TIER,
        _BASE_SKUS,
        tuple(sku for sku in SKUS if sku != DEVELOPER),
        ends=Ends(_at(2027, 4, 1), _at(2027, 4, 14), _at(2027, 10, 1)),
        status=DEPRECATING,
        trained_in=trained_in,
        deployed_in={"Standard": deployed_in, "ProvisionedManaged": (_NORTH, _CENTRAL)},
        trained_on_images=name == "gpt-4o",
    )


def _open(name: str, version: str, format: str, id: str = "") -> BaseModel:
    # Whether they can be trained in UAE North, which is for the previews, is not told: [inferred].
    return BaseModel(
        name,
        version,
        id or name,
        _SUPERVISED,
        65_536,  # S-DOC: "most models"
        (DATA_ZONE, GLOBAL),
        ("GlobalStandard",),
        ("GlobalStandard",),
        format,
        not_in=("uaenorth",),
    )


def _preview(name: str, format: str, base_skus: tuple[str, ...] = ()) -> BaseModel:
    """Tuned, they are served by managed compute or Fireworks alone, which do not exist here. They
    are excluded from 17 of the regions, which ones is not known here: from none."""
    tiers = (GLOBAL, DEVELOPER_TRAINING)
    is_gpt = "OpenAI-OSS" if name.startswith("gpt-oss") else ""
    return BaseModel(
        name, "1", name, _SUPERVISED, 65_536, tiers, base_skus, (), format, is_gpt, status=PREVIEW
    )


def _untuned(name: str, version: str, operation: str, ends: Ends, status: str) -> BaseModel:
    """One that cannot be trained. Its SKUs, and that its id has no version, are [inferred]."""
    skus, ops = _BASE_SKUS, (operation,)
    return BaseModel(
        name, version, name, (), 0, (), skus, (), ends=ends, status=status, operations=ops
    )


BASE_MODELS = (
    _gpt_41("gpt-4.1-nano", 32_768, not_in=("polandcentral", "uaenorth")),
    _gpt_41("gpt-4.1-mini", 65_536, not_in=("uaenorth",)),
    _gpt_41("gpt-4.1", 65_536, not_in=("uaenorth",)),
    _gpt_4o("gpt-4o-mini", "2024-07-18", _SUPERVISED, (_NORTH, _CENTRAL), (_NORTH, _CENTRAL)),
    _gpt_4o("gpt-4o", "2024-08-06", _BOTH, (_EAST, _NORTH, _CENTRAL), (_EAST, _CENTRAL)),
    # The platform's id of it has its version (S-SKILL platform-gotchas).
    _open("gpt-oss-20b", "11", "Microsoft", "gpt-oss-20b-11"),
    _open("Ministral-3B", "2411", "Mistral AI"),
    _open("Llama-3.3-70B-Instruct", "1", "Meta"),  # version [inferred]
    _open("Qwen3-32B", "1", "Alibaba"),  # version [inferred]
    # The base is served: GlobalStandard, listed as OpenAI-OSS (foundry-models' answers of 2026).
    _preview("gpt-oss-120b", "Microsoft", ("GlobalStandard",)),
    _preview("Qwen3.6-35B-A3B", "Alibaba"),
    _untuned("text-embedding-3-small", "1", EMBEDDINGS, Ends(), AVAILABLE),
    # The last one that completes a text; to retire "no earlier than" that day. No chat model does
    # it (ragas#1277).
    _untuned("gpt-35-turbo-instruct", "0914", COMPLETION, Ends(base=_at(2025, 7, 16)), DEPRECATED),
)
CATALOG_DATE = _at(2025, 4, 14)
FINE_TUNED_VERSION = "1"  # ARM's version of every fine-tuned model (S-DOC)
# Compared without regard to case: Microsoft's own samples write them in any. "Developer" is what a
# sample of the command line writes.
_SPELLED = {sku.lower(): sku for sku in SKUS} | {"developer": DEVELOPER}
# Names are taken in any case, and repeated as the service spells them (S-FT); a versioned id also
# without its version (S-SKILL).
_NAMED = {base.name.lower(): base for base in BASE_MODELS if base.is_open}
_NAMED |= {base.id.lower(): base for base in BASE_MODELS}


def base_model(model_id: str) -> BaseModel | None:
    return _NAMED.get(model_id.lower())


def base_of(model_id: str) -> BaseModel | None:
    """The base of a base model, of a tuned one or of a checkpoint, by its name."""
    return base_model(model_id.partition(".ft-")[0])


def sku_named(name: str) -> str | None:
    return _SPELLED.get(name.lower())


def usage_name(base: BaseModel, sku: str, tuned: bool) -> str:
    """Which quota a deployment counts against; a client must take it from the models list. Seen:
    OpenAI.Standard.gpt-4o-finetune, OpenAI.DeveloperTier.gpt4.1-mini-finetune (with one hyphen
    less) and AIServices.GlobalStandard.gpt-oss-120b; that a tuned open one has a counter of its
    own is [inferred]."""
    family = "AIServices" if base.is_open else "OpenAI"
    name = base.name.replace("gpt-4.1", "gpt4.1")
    return f"{family}.{sku}.{name}{'-finetune' if tuned else ''}"
