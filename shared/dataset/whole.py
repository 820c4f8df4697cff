"""The checks of a whole file, once every line has been seen: sizes, repetition, outliers.

Works on counts and on the index; the texts are gone by now.
"""

import numpy as np
import numpy.typing as npt

from shared.dataset import catalog
from shared.dataset.cost import Plan
from shared.dataset.examples import Fault, Role
from shared.dataset.measure import Index, Measure
from shared.dataset.notes import Notes
from shared.dataset.quoting import many
from shared.dataset.seen import Brief, Seen
from shared.dataset.similarity import first_equal
from shared.dataset.stats import Stats, percentiles, roles_and_turns, spread

Marks = npt.NDArray[np.bool_]  # one for each example

ENOUGH = 20  # examples from which on a file's own habits can be told
RARE = 0.1  # what fewer than this share of the answers do is worth a look
SYSTEMS_SHOWN = 8


def look_at_the_whole(
    seen: Seen, brief: Brief, measure: Measure, index: Index, notes: Notes
) -> Stats:
    _size(seen, brief, notes)
    _formats(seen, notes)
    _learning(seen, notes)
    _images_and_tools(seen, notes)
    _lengths(index, brief.plan, notes)
    again = _duplicates(index, notes)
    if brief.deep:
        _near_duplicates(index, again, notes)
        _outliers(index, notes)
        _open_ends(seen, index, notes)
        _systems(measure, index, notes)
    return _stats(seen, measure, index, brief.plan)


def _size(seen: Seen, brief: Brief, notes: Notes) -> None:
    if seen.foreign:
        notes.add(seen.foreign)
        return
    if not seen.examples:
        notes.add(Fault("empty", "The file is empty." if not seen.size else "There is no example."))
    elif seen.examples < brief.minimum:
        notes.add(Fault("too-few-examples", f"The file has {many(seen.examples, 'example')}; the "
                        f"service wants {brief.minimum} at the least."))  # fmt: skip
    elif brief.role is Role.TRAINING and seen.examples < catalog.SENSIBLE_EXAMPLES:
        notes.add(Fault("few-examples", f"The file has {many(seen.examples, 'example')}."))
    size = f"The file has {seen.size / catalog.MEGABYTE:,.1f} MB."
    if seen.size > catalog.LARGEST_FILE:
        notes.add(Fault("file-too-large", size))
    elif seen.size > catalog.LARGE_FILE:
        notes.add(Fault("file-large", size))


def _formats(seen: Seen, notes: Notes) -> None:
    if len(seen.formats) > 1:
        (less, (count, line)), *_ = sorted(seen.formats.items(), key=lambda f: f[1][0])
        what = f"{many(count, 'example')} in the format {less}, the first in line {line}."
        notes.add(Fault("mixed-formats", what), line)


def _learning(seen: Seen, notes: Notes) -> None:
    if seen.nothing_to_learn and seen.nothing_to_learn == seen.examples:
        notes.add(Fault("nothing-to-learn-at-all", "No answer of the file is learned."))


def _images_and_tools(seen: Seen, notes: Notes) -> None:
    if seen.with_images > catalog.IMAGE_EXAMPLES:
        what = f"{many(seen.with_images, 'example')} with images."
        notes.add(Fault("too-many-image-examples", what))
    for name, count in seen.declared.items():
        if name not in seen.called:
            what = f"{name} is declared in {many(count, 'example')} and never called."
            notes.add(Fault("tool-unused", what))


def _lengths(index: Index, plan: Plan, notes: Notes) -> None:
    over = np.flatnonzero(index.totals > plan.limit)
    totals = index.totals[over]
    notes.add_lines(
        "example-too-long",
        index.lines[over].tolist(),
        lambda n: f"The example has {totals[n]:,} tokens; {plan.base_model} takes {plan.limit:,}.",
    )


def _duplicates(index: Index, notes: Notes) -> Marks:
    """Which examples say the same as an earlier one."""
    every = np.arange(len(index.keys), dtype=np.int32)
    first, asked = first_equal(index.keys), first_equal(index.prompts)
    again: Marks = first != every
    same = np.flatnonzero(again)
    notes.add_lines(
        "duplicate",
        index.lines[same].tolist(),
        lambda n: f"It says the same as line {index.lines[first[same[n]]]}.",
    )
    # The first of the other answers is enough: a second copy of it is a duplicate.
    other = np.flatnonzero((index.keys != index.keys[asked]) & ~again)
    notes.add_lines(
        "conflicting-answers",
        index.lines[other].tolist(),
        lambda n: f"It asks the same as line {index.lines[asked[other[n]]]} and answers otherwise.",
    )
    return again


def _near_duplicates(index: Index, again: Marks, notes: Notes) -> None:
    every = np.arange(len(index.keys), dtype=np.int32)
    near = np.flatnonzero((index.groups != every) & ~again)
    notes.add_lines(
        "near-duplicate",
        index.lines[near].tolist(),
        lambda n: f"It is almost the same as line {index.lines[index.groups[near[n]]]}.",
    )


def _outliers(index: Index, notes: Notes) -> None:
    """Beyond three times the middle half's width, on a scale of ratios."""
    if len(index.answers) < ENOUGH:
        return
    scale = np.log1p(index.answers, dtype=np.float32)
    low, high = percentiles(scale, 25, 75)
    width = 3 * max(high - low, 0.2)
    far = np.flatnonzero((scale < low - width) | (scale > high + width))
    median = int(percentiles(index.answers, 50)[0])
    counts = index.answers[far]
    notes.add_lines(
        "answer-outlier",
        index.lines[far].tolist(),
        lambda n: (
            f"{many(counts[n], 'token')} in the answers; half of the file has at most {median:,}."
        ),
    )


def _open_ends(seen: Seen, index: Index, notes: Notes) -> None:
    """Ending without a full stop is a mistake only where it is not the habit."""
    if len(index.lines) >= ENOUGH and len(seen.open_ends) <= RARE * len(index.lines):
        notes.add_lines(
            "answer-cut",
            seen.open_ends,
            lambda _: "The answer stops without an end, as few others of the file do.",
        )


def _systems(measure: Measure, index: Index, notes: Notes) -> None:
    systems = measure.common_systems()
    kinds = len(systems) + (1 if measure.without_system else 0)
    if kinds < 2 or not systems or not len(index.lines):
        return
    share = systems[0].count / len(index.lines)
    if share < 0.5:
        return  # many prompts on purpose
    without = f", and {measure.without_system} have none" if measure.without_system else ""
    other = systems[1].line if len(systems) > 1 else None
    what = (
        f"{share:.0%} of the examples share one system prompt; there are {len(systems) - 1} "
        f"others{without}."
    )
    notes.add(Fault("system-drift", what), other)


def _stats(seen: Seen, measure: Measure, index: Index, plan: Plan) -> Stats:
    roles, turns = roles_and_turns(seen.patterns)
    model = plan.model
    return Stats(
        total=spread(index.totals),
        assistant=spread(index.answers),
        encoding=plan.encoding,
        exact=not seen.with_images and model is not None and "not exact" not in model.note,
        billed=int(np.minimum(index.totals, plan.limit).sum()),
        roles=roles,
        turns=turns,
        systems=measure.common_systems()[:SYSTEMS_SHOWN],
        without_system=measure.without_system,
        private=dict(seen.private.most_common()),
        with_tools=seen.with_tools,
        with_images=seen.with_images,
    )
