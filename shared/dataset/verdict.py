"""The judgement on a drop: its files together, its plan, its price. Takes or rejects it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from shared.dataset import catalog, similarity
from shared.dataset.cost import Plan, Price, price, usd
from shared.dataset.examples import Fault, Role
from shared.dataset.measure import Index
from shared.dataset.notes import Group, Notes
from shared.dataset.quoting import many
from shared.dataset.scan import Scanned

NEW = timedelta(0)
OLD_VALIDATION = timedelta(days=1)  # the files of one drop arrive together


@dataclass(frozen=True, slots=True)
class Verdict:
    plan: Plan
    files: tuple[Scanned, ...]
    price: Price
    groups: tuple[Group, ...]  # findings on the run as a whole
    leaks: tuple[Group, ...]  # findings on the validation file that need both files

    @property
    def rejected(self) -> bool:
        alone = any(file.broken for file in self.files)
        return alone or any(f.severity == "error" for g in self.groups for f in g.places)

    def groups_of(self, file: Scanned) -> tuple[Group, ...]:
        """The worst first."""
        leaks = self.leaks if file.role is Role.VALIDATION else ()
        return tuple(sorted([*file.groups, *leaks], key=Group.rank))


def judge(
    files: Sequence[Scanned], plan: Plan, today: date, validation_age: timedelta = NEW
) -> Verdict:
    """`validation_age` is how much older the validation file is than the training file."""
    training = [file for file in files if file.role is Role.TRAINING]
    validation = next((file for file in files if file.role is Role.VALIDATION), None)
    tokens = sum(file.stats.billed for file in training)
    cost = price(tokens, sum(file.examples for file in training), plan)
    notes, leaks = Notes(), Notes()
    _model(plan, training, today, notes)
    _cost(cost, plan, notes)
    if validation:
        if validation_age >= OLD_VALIDATION:
            what = f"{validation.name} is {validation_age.days} days older than the training set."
            notes.add(Fault("validation-old", what))
        for file in training:
            _leakage(file.index, validation.index, leaks)
    return Verdict(plan, tuple(files), cost, tuple(notes.sorted()), tuple(leaks.sorted()))


def _model(plan: Plan, training: list[Scanned], today: date, notes: Notes) -> None:
    if catalog.stale(today):
        what = f"It was read on {catalog.READ_ON}, {(today - catalog.READ_ON).days} days ago."
        notes.add(Fault("catalog-old", what))
    formats = {"chat": catalog.SUPERVISED, "dpo": catalog.DPO}
    for file in training:
        if file.format and formats[file.format] != plan.method:
            what = f"The method is {plan.method}; {file.name} is in the format {file.format}."
            notes.add(Fault("wrong-format", what))
    model = plan.model
    if model is None:
        what = f"{plan.base_model} is not in the table of {catalog.READ_ON}."
        notes.add(Fault("model-unknown", what))
        return
    if plan.method not in model.methods:
        known = ", ".join(model.methods) or "neither supervised nor dpo"
        what = f"{model.name} takes {known}; the run asks for {plan.method}. {model.note}".strip()
        notes.add(Fault("model-not-tunable", what))
    elif model.training_ends and today >= model.training_ends:
        what = f"The training of {model.name} ended on {model.training_ends}, or soon after."
        notes.add(Fault("model-retires", what))
    elif model.training_ends and model.training_ends - today < catalog.RETIRES_SOON:
        what = (
            f"{model.name} can be trained until {model.training_ends} at the least; its tuned "
            f"versions answer until {model.deployments_end}."
        )
        notes.add(Fault("model-retires", what))


def _cost(cost: Price, plan: Plan, notes: Notes) -> None:
    if cost.tokens * cost.epochs > catalog.TOKENS_PER_JOB:
        what = f"{many(cost.tokens, 'token')} × {many(cost.epochs, 'epoch')}."
        notes.add(Fault("too-many-tokens", what))
    if plan.budget is None:
        return
    if cost.training is None:
        what = f"No price is known for {plan.base_model} with {plan.training_type}."
        notes.add(Fault("budget-unknown", what))
    elif cost.training > plan.budget:
        guess = " (a guess: the service chooses)" if cost.guessed else ""
        what = (
            f"Training costs about {usd(cost.training)}: {many(cost.tokens, 'token')} × "
            f"{many(cost.epochs, 'epoch')}{guess}; the budget is ${plan.budget:,.2f}."
        )
        notes.add(Fault("over-budget", what))


def _leakage(training: Index, validation: Index, leaks: Notes) -> None:
    count = len(training.lines)
    lines = np.concatenate([training.lines, validation.lines])

    def tell(id: str, first: similarity.Ints, taken: np.ndarray, how: str) -> np.ndarray:
        """Validation examples whose first like is in the training set."""
        found = np.flatnonzero((first[count:] < count) & ~taken)
        like = lines[first[count:][found]]
        leaks.add_lines(id, validation.lines[found].tolist(), lambda n: how.format(like[n]))
        taken[found] = True
        return taken

    taken = np.zeros(len(validation.lines), bool)
    keys = np.concatenate([training.keys, validation.keys])
    prompts = np.concatenate([training.prompts, validation.prompts])
    taken = tell("leakage", similarity.first_equal(keys), taken,
                 "It is line {} of the training set.")  # fmt: skip
    taken = tell("leakage-prompt", similarity.first_equal(prompts), taken,
                 "Line {} of the training set asks the same.")  # fmt: skip
    both = np.concatenate([training.signatures, validation.signatures])
    tell("leakage-near", similarity.groups(both), taken,
         "Line {} of the training set is almost the same.")  # fmt: skip
