"""The shapes of dated facts. Every group of facts carries its source.

Named tuples, for a cold start pays for every dataclass and the chat waits for it.
"""

from datetime import date
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Source(NamedTuple):
    """Where facts were read, and the date that the page or snapshot bears; where it bears none, the
    day on which it was read."""

    name: str
    dated: date


class Dated(NamedTuple, Generic[T]):
    source: Source
    values: T


class ModelFacts(NamedTuple):
    """A base model. `methods` is empty for one that cannot be tuned here, `skus` for one whose
    tuned versions have no serverless deployment. `exact_tokens`: `encoding` has the very tokens
    that its own tokenizer makes of texts."""

    name: str
    methods: tuple[str, ...]
    tokens_per_example: int = 65_536
    encoding: str = "o200k_base"
    note: str = ""
    format: str = "OpenAI"  # Azure Resource Manager's name for whose model it is
    tiers: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    preview: bool = False
    takes_images: bool = False
    exact_tokens: bool = True


class TokenMargin(NamedTuple):
    """By how much a count of tokens may be too low where a model's own tokenizer is not known."""

    source: Source
    factor: float


class Retirement(NamedTuple):
    """No earlier than these days: of training on it, of its tuned versions' deployments, and of the
    base model itself. None where no day is published."""

    training: date | None
    deployments: date | None
    base: date | None
    new_customers: bool = True  # a subscription that has never deployed it may begin now


class PriceRow(NamedTuple):
    """One meter's list price: USD per million tokens for training, per hour for hosting."""

    model: str
    kind: str
    offer: str  # the training type, or the SKU of the deployment
    usd: float
    regions: tuple[str, ...]
    meter: str
    since: date


class FileLimits(NamedTuple):
    source: Source
    minimum_examples: int
    largest_file: int  # bytes
    tokens_per_job: int  # tokens times epochs


class ImageLimits(NamedTuple):
    source: Source
    per_example: int
    examples: int  # with images, in one file
    largest: int  # bytes


class ImageTokens(NamedTuple):
    """Tokens that an image is trained as, at the most: whatever its size. `high` is also for `auto`
    and for no `detail` at all."""

    low: int
    high: int


class SeedRange(NamedTuple):
    """Of a job's seed, from 0."""

    source: Source
    most: int


class Guidance(NamedTuple):
    """No limits: what is advised, or has been seen to go wrong."""

    source: Source
    sensible_examples: int
    large_file: int  # bytes


class AccountLimits(NamedTuple):
    """Of one account; an account may have more by request."""

    source: Source
    tuned_deployments: int
    deployments: int
    jobs: int
    queued_jobs: int


class DeploymentLife(NamedTuple):
    """Of a tuned model's deployment: when Azure removes it by itself. The model stays."""

    source: Source
    idle_days: int  # without a chat
    developer_hours: int  # after it was made, used or not, of the SKU DeveloperTier
    checkpoints: (
        int  # of a job, the last ones, that can be deployed; since 2026 it depends on the model
    )


class FileStore(NamedTuple):
    """Of one account's files for fine-tuning."""

    source: Source
    files: int
    size: int  # bytes, together


class EpochsRule(NamedTuple):
    """What the service is guessed to choose where nothing else is asked for."""

    source: Source
    target: int
    most: int
    sensible_size: int  # examples × epochs that the guess aims at, at the least
