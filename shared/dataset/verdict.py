"""The verdict on a drop: its files together, its plan, its price. Accepts or rejects it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from shared.catalog import facts, lookup, retirement
from shared.catalog.lookup import CatalogModel
from shared.dataset.findings.collector import FindingCollector, FindingGroup
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many
from shared.dataset.measure import similarity
from shared.dataset.measure.cost import (
    ACCEPT,
    Price,
    TrainingPlan,
    exact_usd,
    image_tokens,
    price,
    usd,
    usd_beside,
)
from shared.dataset.measure.measurements import ExampleIndex
from shared.dataset.reading.examples import FileRole
from shared.dataset.scan import ScanResult

NEW = timedelta(0)
OLD = f"The table of {facts.READ_ON} is old: whether it is still so is the account's to say."
OLD_VALIDATION = timedelta(days=1)  # the files of one drop arrive together


@dataclass(frozen=True, slots=True)
class Verdict:
    plan: TrainingPlan
    files: tuple[ScanResult, ...]
    price: Price
    groups: tuple[FindingGroup, ...]  # findings on the run as a whole
    leaks: tuple[FindingGroup, ...]  # findings on the validation file that need both files

    @property
    def rejected(self) -> bool:
        alone = any(file.broken for file in self.files)
        return alone or any(f.severity == "error" for g in self.groups for f in g.places)

    def groups_of(self, file: ScanResult) -> tuple[FindingGroup, ...]:
        """The worst first."""
        leaks = self.leaks if file.role is FileRole.VALIDATION else ()
        return tuple(sorted([*file.groups, *leaks], key=FindingGroup.rank))


def judge(
    files: Sequence[ScanResult],
    plan: TrainingPlan,
    today: date,
    validation_age: timedelta = NEW,
    account: Mapping[str, Any] | None = None,
    nothing_held_out: bool = False,
    left_out: Sequence[str] = (),
) -> Verdict:
    """`validation_age` is how much older the validation file is than the training file; `account`
    is what the account says to the run, where it was asked: it stands above the table.
    `nothing_held_out`: a validation set was to be split off, and none could be. `left_out`: what
    is told of files beside the drop's own that are in no run."""
    training = [file for file in files if file.role is FileRole.TRAINING]
    validation = next((file for file in files if file.role is FileRole.VALIDATION), None)
    tokens = sum(file.stats.billed for file in training)
    low = sum(file.stats.images_low for file in training)
    images = image_tokens(low, sum(file.stats.images_high for file in training), plan)
    cost = price(tokens, sum(file.examples for file in training), plan, images)
    collector, leaks = FindingCollector(), FindingCollector()
    _model(plan, training, today, account, collector)
    _cost(cost, plan, collector)
    for message in left_out:
        collector.add(RawFinding("files-left-out", message))
    if nothing_held_out and all(len(file.index.lines) for file in training):
        alike = "what asks the same or is almost the same stays together"
        collector.add(RawFinding("nothing-held-out", f"The run has none: {alike}."))
    if validation:
        if validation_age >= OLD_VALIDATION:
            age = f"{many(validation_age.days, 'day')} older than the training set"
            message = f"{validation.name} is {age}."
            collector.add(RawFinding("validation-old", message))
        for file in training:
            _leakage(file.index, validation.index, leaks)
    return Verdict(plan, tuple(files), cost, tuple(collector.sorted()), tuple(leaks.sorted()))


def _model(
    plan: TrainingPlan,
    training: list[ScanResult],
    today: date,
    account: Mapping[str, Any] | None,
    collector: FindingCollector,
) -> None:
    if lookup.is_stale(today):
        message = (
            f"It was read on {facts.READ_ON}, {many((today - facts.READ_ON).days, 'day')} ago."
        )
        collector.add(RawFinding("catalog-old", message))
    formats = {"chat": facts.SUPERVISED, "dpo": facts.DPO}
    for file in training:
        if file.format and formats[file.format] != plan.method:
            message = f"The method is {plan.method}; {file.name} is in the format {file.format}."
            collector.add(RawFinding("wrong-format", message))
    model = plan.model
    if model is None:
        message = f"{plan.base_model} is not in the table of {facts.READ_ON}."
        collector.add(RawFinding("model-unknown", message))
        return
    if refused := _refused(plan, model, account):
        old = lookup.is_stale(today)
        collector.add(RawFinding("model-doubtful", f"{refused.message} {OLD}") if old else refused)
    for message in _ends(model, plan, today):
        collector.add(RawFinding("model-retires", message))
    if not model.takes_images:
        _images(model, training, collector)


def _refused(
    plan: TrainingPlan, model: CatalogModel, account: Mapping[str, Any] | None
) -> RawFinding | None:
    """What the table says no to, unless the account says yes or offers something else for it."""
    if plan.method not in model.methods and not _offered("method", account):
        methods = ", ".join(model.methods) or "neither supervised nor dpo"
        message = f"{model.name} takes {methods}; the run asks for {plan.method}. {model.note}"
        return RawFinding("model-not-tunable", message.strip())
    if not model.skus and not _offered("sku", account):
        return RawFinding("model-not-deployable", f"{model.name}: {model.note}")
    return None


def _offered(question: str, account: Mapping[str, Any] | None) -> bool:
    answers = account["answers"] if account else ()
    (answer,) = [one for one in answers if one["id"] == question] or [None]
    if answer is None:
        return False
    return bool(answer["says"] == "yes" or (question == "sku" and answer["options"]))


def _ends(model: CatalogModel, plan: TrainingPlan, today: date) -> Iterator[str]:
    """What nobody can do anything about is told where the models are listed, not in each report."""
    for ending in retirement.endings(model, today, plan.method):
        if ending.what == "training" and (ending.cure or ending.level == retirement.ENDED):
            until = ""
            if model.deployments_end and ending.level != retirement.ENDED:
                until = f" Its tuned versions answer until {model.deployments_end}."
            yield f"{ending.sentence}{until} {ending.cure}".strip()


def _images(model: CatalogModel, training: list[ScanResult], collector: FindingCollector) -> None:
    takers = " and ".join(lookup.takers_of_images())
    for file in training:
        if count := file.stats.images_low + file.stats.images_high:
            message = f"{file.name} has {many(count, 'image')}; {model.name} takes none. "
            collector.add(RawFinding("images-not-taken", f"{message}Images are taken by {takers}."))


def _cost(cost: Price, plan: TrainingPlan, collector: FindingCollector) -> None:
    sure = cost.tokens - (cost.image_tokens or 0)
    if sure * cost.epochs > facts.FILES.tokens_per_job:
        message = f"{many(sure, 'token')} × {many(cost.epochs, 'epoch')}."
        collector.add(RawFinding("too-many-tokens", message))
    if plan.budget is None:
        return
    if cost.training is None or cost.to_be_safe is None:
        if plan.unknown_price == ACCEPT:
            return
        images = " and these images" if cost.image_tokens is None else ""
        message = f"No price is known for {plan.base_model} with {plan.training_type}{images}."
        collector.add(RawFinding("budget-unknown", message))
    elif not cost.to_be_safe <= plan.budget:  # also for a budget that is no number
        guess = " (a guess: the service chooses)" if cost.guessed else ""
        message = (
            f"Training costs {cost.at_most or 'about '}{usd_beside(plan.budget, cost.training)}: "
            f"{many(cost.tokens, 'token')} × {many(cost.epochs, 'epoch')}{guess}; "
            f"the budget is {exact_usd(plan.budget)}.{_margin(cost, plan)}"
        )
        collector.add(RawFinding("over-budget", message))


def _margin(cost: Price, plan: TrainingPlan) -> str:
    if cost.exact or cost.to_be_safe is None:
        return ""
    return (
        f" The tokenizer of {plan.base_model} is not known here, so the budget must be "
        f"{facts.TOKEN_MARGIN.factor:g} times that: {usd(cost.to_be_safe)}."
    )


def _leakage(training: ExampleIndex, validation: ExampleIndex, leaks: FindingCollector) -> None:
    """Validation examples that the training set has as well; each is reported once, the closest
    likeness first."""

    def both(column: str) -> similarity.Ints:
        return np.concatenate([getattr(training, column), getattr(validation, column)])

    ways = (
        ("leakage", similarity.first_equal(both("keys")), "It is line {} of the training set."),
        (
            "leakage-prompt",
            similarity.first_equal(both("prompts")),
            "Line {} of the training set asks the same.",
        ),
        (
            "leakage-near",
            similarity.groups(both("signatures")),
            "Line {} of the training set is almost the same.",
        ),
    )
    count, lines = len(training.lines), both("lines")
    reported = np.zeros(len(validation.lines), bool)
    asked = ways[1][1][count:]
    shared = np.append(training.shared_prompts, False)[np.minimum(asked, count)]
    for id, first, message in ways:
        places = np.flatnonzero((first[count:] < count) & ~reported)
        like = lines[first[count:][places]]
        tell = partial(_told, message, like)  # of the first few only
        leaks.add_lines(id, validation.lines[places].tolist(), tell)
        reported[places] = True
        reported |= shared  # by most of the training set, on purpose


def _told(message: str, lines: similarity.Ints, number: int) -> str:
    return message.format(lines[number])
