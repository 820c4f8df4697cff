"""A month's costs for people and programs: as JSON, and in sentences what no figure says. Pure.

Knows how costs are told, not how they are counted (`costs`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.catalog import prices
from shared.dataset.measure.cost import exact_usd, usd, usd_beside
from shared.model.costs import HOUR, Costs, Hosting, ModelCosts, Sum, Training
from shared.model.hosting_ceiling import over, passed_at

SETTING = "TUNEDROP_MONTHLY_HOSTING_CEILING"


@dataclass(frozen=True, slots=True)
class CostSheet:
    """`ceiling`: USD that the hosting of the month may cost, 0 where there is none."""

    costs: Costs
    ceiling: float = 0.0

    def as_json(self) -> dict[str, Any]:
        costs = self.costs
        return {
            "month": str(costs.month),
            "until": _moment(min(costs.at, costs.month.end)),
            "ends": _moment(costs.month.end),
            "region": costs.region or None,
            "prices_of": prices.SOURCE.dated.isoformat(),
            "models": [_model(model) for model in costs.models],
            "total": {
                "hosting": _sums(costs.hosted, costs.hosted_by_its_end),
                "training": _sums(costs.trained, costs.trained_by_its_end),
                "usd_per_hour": _rounded(costs.per_hour.usd),
                **_sums(costs.total, costs.total_by_its_end),
            },
            "ceiling": self._ceiling() if self.ceiling else None,
            "notices": list(self.notices()),
        }

    def _ceiling(self) -> dict[str, Any]:
        passed = passed_at(self.ceiling, self.costs)
        return {
            "setting": SETTING,
            "usd": self.ceiling,
            "too_much_per_hour": _rounded(over(self.ceiling, self.costs)),
            "passed_at": _moment(passed) if passed else None,
        }

    def notices(self) -> Iterator[str]:
        """What a person should know beside the figures."""
        if self.costs.models and not self.costs.region:
            yield "The account's region is not known: the prices of the dearest one count."
        for model in self.costs.models:
            yield from filter(None, (_of_hosting(model, part) for part in model.hosting))
            yield from filter(None, map(_of_training, model.training))
        if sentence := self.warning():
            yield sentence

    def warning(self) -> str:
        """Of the ceiling; empty where the hosting of the month stays within it."""
        costs, ceiling = self.costs, self.ceiling
        passed = passed_at(ceiling, costs)
        if passed is None:
            return ""
        spent = f"Hosting has cost {usd_beside(ceiling, costs.hosted.usd)} in {costs.month} (UTC)"
        if passed <= costs.at:
            return f"{spent}, more than the {exact_usd(ceiling)} that {SETTING} allows."
        by_its_end = usd_beside(ceiling, costs.hosted_by_its_end.usd)
        return (
            f"{spent} and comes to {by_its_end} by its end if all stays deployed that is. {SETTING}"
            f" allows {exact_usd(ceiling)}, which is passed at {passed:%Y-%m-%d %H:%M} UTC then."
        )


def _of_hosting(model: ModelCosts, part: Hosting) -> str:
    if part.per_hour is not None:
        return ""
    return (
        f"No price is known for hosting {model.model}@{part.version} ({part.base_model} as "
        f"{part.sku}): its {hours(part.time)} hours are in no sum and count against no ceiling."
    )


def _of_training(part: Training) -> str:
    kind = f"{part.base_model} as {part.training_type}"
    if part.lost:
        most = f", at most {usd(part.predicted_usd)}" if part.predicted_usd is not None else ""
        return (
            f"A job of run {part.run_id} ended without a model: one that failed is free, one that "
            f"was cancelled is billed for what it had trained{most}. The service does not tell; it "
            "is in no sum."
        )
    if part.ended is None:
        unknown = part.predicted_usd is None
        said = f"What the training of run {part.run_id} ({kind}) will cost is not known"
        return f"{said}: it is in no projection." if unknown else ""
    if part.billed is None:
        return f"The service has not told what the job of run {part.run_id} was billed for."
    if part.billed_usd is None:
        return f"No price is known for the training of run {part.run_id} ({kind}): it is in no sum."
    return ""


def hours(time: timedelta) -> str:
    """For people, to the minute."""
    minutes = round(time / timedelta(minutes=1))
    return f"{minutes // 60:,}:{minutes % 60:02d}"


def _model(model: ModelCosts) -> dict[str, Any]:
    hosting, training = model.hosting, model.training
    return {
        "model": model.model,
        "hosting": {
            **_sums(model.hosted, model.hosted_by_its_end),
            "hours": _rounded(model.time / HOUR),
            "versions": [_hosting(part) for part in hosting],
        },
        "training": {
            **_sums(model.trained, model.trained_by_its_end),
            "runs": [_training(part) for part in training],
        },
        "comparing": None,
        **_sums(model.total, model.total_by_its_end),
    }


def _hosting(part: Hosting) -> dict[str, Any]:
    return {
        "version": part.version,
        "base_model": part.base_model,
        "sku": part.sku,
        "hours": _rounded(part.time / HOUR),
        "usd_per_hour": part.per_hour,
        "usd": _rounded(part.usd),
        "deployed": part.deployed,
        "projected_usd": _rounded(part.projected),
    }


def _training(part: Training) -> dict[str, Any]:
    predicted = {"tokens": part.predicted, "usd": part.predicted_usd, "at_most": part.at_most}
    billed = {"tokens": part.billed, "usd": _rounded(part.billed_usd)}
    return {
        "run": part.run_id,
        "base_model": part.base_model,
        "training_type": part.training_type,
        "ended": _moment(part.ended) if part.ended else None,
        "without_model": part.lost,
        "predicted": predicted if part.predicted is not None else None,
        "billed": billed if part.billed is not None else None,
    }


def _sums(by_now: Sum, by_its_end: Sum) -> dict[str, Any]:
    return {
        "usd": _rounded(by_now.usd),
        "projected_usd": _rounded(by_its_end.usd),
        "unknown": by_its_end.unknown,
    }


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
