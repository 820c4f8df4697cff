"""What a run would cost, by the catalog's dated prices. Knows numbers of tokens, not texts.

Azure bills training tokens × epochs at the tier's rate, and hosting for every hour that a tuned
deployment exists, used or not (Developer deployments: none). Both depend on the model and the
region; where the region is not known, the dearest counts. Images are billed as tokens by their
size, which is not known here: each counts as the largest, so that a price is never too low. A price
that is not known is None, never 0.
"""

from dataclasses import dataclass, field
from typing import Any

from shared.catalog import facts, lookup, prices
from shared.catalog.lookup import CatalogModel

LITTLE = "less than $0.01"
REFUSE, ACCEPT = "refuse", "accept"  # how a price that is not known meets a budget


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What is to be done with a dataset. None for `epochs` lets the service choose."""

    base_model: str = "gpt-4.1-nano-2025-04-14"
    method: str = facts.SUPERVISED
    training_type: str = "globalStandard"
    epochs: int | None = None
    budget: float | None = None
    sku: str = "GlobalStandard"  # of the deployment
    region: str = ""  # of the account, as Azure Resource Manager writes it; empty: not known
    unknown_price: str = REFUSE  # how a price that is not known meets a budget

    @property
    def model(self) -> CatalogModel | None:
        return lookup.find_model(self.base_model)

    @property
    def tier(self) -> str:
        return facts.TIERS.get(self.training_type.lower(), self.training_type)

    @property
    def encoding(self) -> str:
        return self.model.encoding if self.model else "o200k_base"

    @property
    def limit(self) -> int:
        """Tokens that an example may have; the largest known limit for an unknown model."""
        return self.model.tokens_per_example if self.model else 65_536


@dataclass(frozen=True, slots=True)
class Price:
    """USD; None where the table has no price. `training` also where it has no rule for the images
    that there are. With images it is an upper bound: `image_tokens`, a part of `tokens`, are at the
    most. `region` is empty where the dearest counts."""

    tokens: int  # of the file, once
    epochs: int
    guessed: bool  # the number of epochs is from `guess_epochs`
    training: float | None
    hosting_per_month: float | None
    tiers: dict[str, float] = field(default_factory=dict)
    image_tokens: int | None = 0  # None where there are images without a rule
    region: str = ""
    sku: str = ""
    exact: bool = True  # the tokens of texts are counted as the service counts them

    @property
    def hosting(self) -> str:
        """A month's, for people."""
        if self.hosting_per_month is None:
            return "unknown"
        if 0 < self.hosting_per_month < 0.5:
            return usd(self.hosting_per_month)
        return f"${self.hosting_per_month:,.0f}"

    @property
    def at_most(self) -> str:
        """What stands before the amount."""
        if not self.exact:
            return "about "
        return "at most " if self.image_tokens else ""

    @property
    def to_be_safe(self) -> float | None:
        """What is held against a budget: with a margin where the tokens are not counted exactly."""
        if self.training is None or self.exact:
            return self.training
        return self.training * facts.TOKEN_MARGIN.factor

    def as_json(self) -> dict[str, Any]:
        return {
            "currency": "USD",
            "tokens": self.tokens,
            "image_tokens": self.image_tokens,
            "upper_bound": bool(self.image_tokens) and self.exact,
            "epochs": self.epochs,
            "epochs_guessed": self.guessed,
            "training": self.training,
            "training_by_tier": self.tiers,
            "hosting_per_month": self.hosting_per_month,
            "hosting_sku": self.sku,
            "region": self.region or None,
            "read_on": prices.SOURCE.dated.isoformat(),
        }


def usd(amount: float) -> str:
    """What costs something is never shown as $0.00."""
    return LITTLE if 0 < amount < 0.005 else f"${amount:,.2f}"


def exact_usd(amount: float) -> str:
    """With as many digits as it has: a budget of $0.004 is not $0.00."""
    cents, all_digits = f"{amount:,.2f}", f"{amount:,.10f}".rstrip("0")
    return f"${all_digits if len(all_digits) > len(cents) else cents}"


def usd_beside(limit: float, amount: float) -> str:
    """In cents, unless those would not show on which side of the limit it is."""
    rounded = usd(amount) in (LITTLE, exact_usd(limit))
    return exact_usd(amount) if rounded else usd(amount)


def image_tokens(low: int, high: int, plan: TrainingPlan) -> int | None:
    """Of so many images, at the most; None where the model's rule is not known."""
    if not low + high:
        return 0
    each = plan.model.image_tokens if plan.model else None
    return each and low * each.low + high * each.high


def price(tokens: int, examples: int, plan: TrainingPlan, images: int | None = 0) -> Price:
    """`tokens` of the texts and `images`, both of one epoch."""
    epochs = plan.epochs or guess_epochs(examples)
    rates = _rates(plan) if images is not None else {}
    tokens += images or 0
    tiers = {tier: round(tokens * epochs * rate / 1e6, 4) for tier, rate in rates.items()}
    return Price(
        image_tokens=images,
        tokens=tokens,
        epochs=epochs,
        guessed=plan.epochs is None,
        training=tiers.get(plan.tier),
        hosting_per_month=lookup.hosting_per_month(plan.base_model, plan.sku, plan.region),
        tiers=tiers,
        region=plan.region,
        sku=plan.sku,
        exact=plan.model is None or plan.model.exact_tokens,
    )


def _rates(plan: TrainingPlan) -> dict[str, float]:
    """USD per million tokens of each tier that the model takes and a price is known for."""
    tiers = plan.model.tiers if plan.model else ()
    known = {tier: lookup.training_price(plan.base_model, tier, plan.region) for tier in tiers}
    return {tier: rate for tier, rate in known.items() if rate is not None}


def billed(tokens: int, plan: TrainingPlan) -> float:
    """USD at list price for tokens that a job was billed for; 0 where the price is not known."""
    rate = lookup.training_price(plan.base_model, plan.tier, plan.region)
    return (rate or 0.0) * tokens / 1e6


def guess_epochs(examples: int) -> int:
    """The rule of OpenAI's data preparation notebook: 3, and more for a small file.

    What Azure chooses is not published and may differ.
    """
    rule = facts.EPOCHS
    if examples and examples * rule.target < rule.sensible_size:
        return min(rule.most, rule.sensible_size // examples)
    return rule.target
