"""The shapes of dated facts. Every group of facts carries its source."""

from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts were read, and the date that the page or snapshot bears; where it bears none, the
    day on which it was read."""

    name: str
    dated: date


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    source: Source
    values: T


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A base model. `methods` is empty for one that cannot be tuned here."""

    name: str
    methods: tuple[str, ...]
    tokens_per_example: int = 65_536
    encoding: str = "o200k_base"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """No earlier than these days."""

    training: date
    deployments: date


@dataclass(frozen=True, slots=True)
class FileLimits:
    source: Source
    minimum_examples: int
    largest_file: int  # bytes
    tokens_per_job: int  # tokens times epochs


@dataclass(frozen=True, slots=True)
class ImageLimits:
    source: Source
    per_example: int
    examples: int  # with images, in one file
    largest: int  # bytes


@dataclass(frozen=True, slots=True)
class Guidance:
    """No limits: what is advised, or has been seen to go wrong."""

    source: Source
    sensible_examples: int
    large_file: int  # bytes


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Of one account; an account may have more by request."""

    source: Source
    tuned_deployments: int
    deployments: int
    jobs: int
    queued_jobs: int


@dataclass(frozen=True, slots=True)
class Hosting:
    """USD for each tuned deployment, used or not; Developer deployments are free of it."""

    source: Source
    per_hour: float
    hours_per_month: int


@dataclass(frozen=True, slots=True)
class EpochsRule:
    """What the service is guessed to choose where nothing else is asked for."""

    source: Source
    target: int
    most: int
    sensible_size: int  # examples × epochs that the guess aims at, at the least
