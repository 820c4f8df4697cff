"""The checks of a whole file, once every line has been read: sizes, repetition, outliers.

Works on counts and on the index; the texts are gone by now.
"""

import numpy as np
import numpy.typing as npt

from shared.catalog import facts
from shared.dataset.checks.counts import ScanCounts, ScanOptions
from shared.dataset.findings.collector import FindingCollector
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.measure.measurements import ExampleIndex, Measurements
from shared.dataset.measure.similarity import first_equal
from shared.dataset.measure.statistics import (
    FileStatistics,
    distribution,
    percentiles,
    roles_and_turns,
)
from shared.dataset.reading.examples import FileRole

Marks = npt.NDArray[np.bool_]  # one for each example

ENOUGH = 20  # examples that show what is usual in a file
RARE = 0.1  # what fewer than this share of the answers do is unusual
SYSTEM_PROMPTS_SHOWN = 8


def check_file(
    counts: ScanCounts,
    options: ScanOptions,
    measurements: Measurements,
    index: ExampleIndex,
    collector: FindingCollector,
) -> FileStatistics:
    _size(counts, options, collector)
    _formats(counts, collector)
    _learning(counts, collector)
    _images_and_tools(counts, collector)
    _lengths(index, options.plan, collector)
    again = _duplicates(index, collector)
    if options.deep:
        _near_duplicates(index, again, collector)
        _outliers(index, collector)
        _open_ends(counts, index, collector)
        _system_prompts(measurements, index, collector)
    return _statistics(counts, measurements, index, options.plan)


def _size(counts: ScanCounts, options: ScanOptions, collector: FindingCollector) -> None:
    if counts.not_text:
        collector.add(counts.not_text)
        return
    if counts.foreign:
        pass  # how many there are will be known once that is mended
    elif not counts.examples:
        message = "The file is empty." if not counts.size else "There is no example."
        collector.add(RawFinding("empty", message))
    elif counts.examples < options.minimum:
        message = f"The file has {many(counts.examples, 'example')}; the service wants "
        collector.add(RawFinding("too-few-examples", f"{message}{options.minimum} at the least."))
    elif options.role is FileRole.TRAINING and counts.examples < facts.GUIDANCE.sensible_examples:
        message = f"The file has {many(counts.examples, 'example')}."
        collector.add(RawFinding("few-examples", message))
    size = f"The file has {counts.size / facts.MEGABYTE:,.1f} MB."
    if counts.size > facts.FILES.largest_file:
        collector.add(RawFinding("file-too-large", size))
    elif counts.size > facts.GUIDANCE.large_file:
        collector.add(RawFinding("file-large", size))


def _formats(counts: ScanCounts, collector: FindingCollector) -> None:
    if len(counts.formats) > 1:
        (less, (count, line)), *_ = sorted(counts.formats.items(), key=lambda f: f[1][0])
        message = f"{many(count, 'example')} in the format {less}, the first in line {line}."
        collector.add(RawFinding("mixed-formats", message), line)


def _learning(counts: ScanCounts, collector: FindingCollector) -> None:
    if counts.nothing_to_learn and counts.nothing_to_learn == counts.examples:
        collector.add(RawFinding("nothing-to-learn-at-all", "No answer of the file is learned."))


def _images_and_tools(counts: ScanCounts, collector: FindingCollector) -> None:
    if counts.with_images > facts.IMAGES.examples:
        message = f"{many(counts.with_images, 'example')} with images."
        collector.add(RawFinding("too-many-image-examples", message))
    for name, count in counts.declared.items():
        if name not in counts.called:
            message = f"{name} is declared in {many(count, 'example')} and never called."
            collector.add(RawFinding("tool-unused", message))


def _lengths(index: ExampleIndex, plan: TrainingPlan, collector: FindingCollector) -> None:
    over = np.flatnonzero(index.totals > plan.limit)
    totals = index.totals[over]
    collector.add_lines(
        "example-too-long",
        index.lines[over].tolist(),
        lambda n: f"The example has {totals[n]:,} tokens; {plan.base_model} takes {plan.limit:,}.",
    )


def _duplicates(index: ExampleIndex, collector: FindingCollector) -> Marks:
    """Which examples say the same as an earlier one."""
    shared = index.shared_prompts  # first, for it takes the most memory while it is made
    every = np.arange(len(index.keys), dtype=np.int32)
    first, asked = first_equal(index.keys), first_equal(index.prompts)
    again: Marks = first != every
    same = np.flatnonzero(again)
    collector.add_lines(
        "duplicate",
        index.lines[same].tolist(),
        lambda n: f"It says the same as line {index.lines[first[same[n]]]}.",
    )
    # The first of the other answers is enough: a second copy of it is a duplicate.
    other = np.flatnonzero((index.keys != index.keys[asked]) & ~again & ~shared)
    collector.add_lines(
        "conflicting-answers",
        index.lines[other].tolist(),
        lambda n: f"It asks the same as line {index.lines[asked[other[n]]]} and answers otherwise.",
    )
    if shared.any():
        prompts = many(len(np.unique(asked[shared])), "prompt")
        message = f"{shared.sum():,} of {len(shared):,} examples share {prompts}."
        collector.add(RawFinding("constant-prompt", message))
    return again


def _near_duplicates(index: ExampleIndex, again: Marks, collector: FindingCollector) -> None:
    every = np.arange(len(index.keys), dtype=np.int32)
    near = np.flatnonzero((index.groups != every) & ~again & ~index.shared_prompts)
    collector.add_lines(
        "near-duplicate",
        index.lines[near].tolist(),
        lambda n: f"It is almost the same as line {index.lines[index.groups[near[n]]]}.",
    )


def _outliers(index: ExampleIndex, collector: FindingCollector) -> None:
    """Beyond three times the middle half's width, on a scale of ratios."""
    if len(index.answers) < ENOUGH:
        return
    scale = np.log1p(index.answers, dtype=np.float32)
    low, high = percentiles(scale, 25, 75)
    width = 3 * max(high - low, 0.2)
    far = np.flatnonzero((scale < low - width) | (scale > high + width))
    median = int(percentiles(index.answers, 50)[0])
    answers = index.answers[far]
    collector.add_lines(
        "answer-outlier",
        index.lines[far].tolist(),
        lambda n: (
            f"{many(answers[n], 'token')} in the answers; half of the file has at most {median:,}."
        ),
    )


def _open_ends(counts: ScanCounts, index: ExampleIndex, collector: FindingCollector) -> None:
    """Ending without a full stop is a mistake only where it is not the habit."""
    if len(index.lines) >= ENOUGH and len(counts.open_ends) <= RARE * len(index.lines):
        collector.add_lines(
            "answer-cut",
            counts.open_ends,
            lambda _: "The answer stops without an end, as few others of the file do.",
        )


def _system_prompts(
    measurements: Measurements, index: ExampleIndex, collector: FindingCollector
) -> None:
    prompts = measurements.system_prompts.common()
    kinds = len(prompts) + (1 if measurements.without_system_prompt else 0)
    if kinds < 2 or not prompts or not len(index.lines):
        return
    share = prompts[0].count / len(index.lines)
    if share < 0.5:
        return  # many prompts on purpose
    others, without = len(prompts) - 1, measurements.without_system_prompt
    rest = [many(others, "other system prompt")] if others else []
    rest += [f"{many(without, 'example')} without any"] if without else []
    other = prompts[1].line if len(prompts) > 1 else None
    message = f"{share:.0%} of the examples share one system prompt, beside {' and '.join(rest)}."
    collector.add(RawFinding("system-drift", message), other)


def _statistics(
    counts: ScanCounts, measurements: Measurements, index: ExampleIndex, plan: TrainingPlan
) -> FileStatistics:
    roles, turns = roles_and_turns(counts.patterns)
    model = plan.model
    return FileStatistics(
        total=distribution(index.totals),
        assistant=distribution(index.answers),
        encoding=plan.encoding,
        exact=not counts.with_images and model is not None and model.exact_tokens,
        billed=int(np.minimum(index.totals, plan.limit).sum()),
        roles=roles,
        turns=turns,
        system_prompts=measurements.system_prompts.common()[:SYSTEM_PROMPTS_SHOWN],
        without_system_prompt=measurements.without_system_prompt,
        private=dict(counts.private.most_common()),
        with_tools=counts.with_tools,
        with_images=counts.with_images,
        images_low=counts.images_low,
        images_high=counts.images_high,
    )
