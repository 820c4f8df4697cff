"""The losses of a run: the service's results.csv, read leniently, and the curve that is kept beside
the run, read strictly. Pure.
"""

import csv
import io
from collections.abc import Sequence
from math import isfinite

from pydantic import TypeAdapter, ValidationError

from shared.cloud.documents import Count, Frozen
from shared.cloud.remote import Metric
from shared.errors import Unreadable

LARGEST_CURVE = 4 << 20  # bytes; that of the longest training has a fourth of it


class Point(Frozen):
    """What a curve says of a step."""

    step: Count
    train_loss: float | None = None
    valid_loss: float | None = None


_CURVE = TypeAdapter(list[Point])


def read_curve(name: str, data: bytes | None) -> list[Point]:
    """The steps of a curve; none where there is no curve yet. Raises Unreadable."""
    if data is None:
        return []
    try:
        if len(data) <= LARGEST_CURVE:
            return _CURVE.validate_json(data)
        why = f"it has {len(data):,} bytes, and at most {LARGEST_CURVE:,} are read"
    except ValidationError as error:
        why = f"{error.error_count()} of its values are not what they should be"
    raise Unreadable(
        f"The losses of the steps in {name} cannot be read: {why}.",
        "Put back an earlier version of that blob, or delete it; the run goes on without it.",
    )


def at_ends_of_epochs(
    checkpoints: Sequence[Metric], n_epochs: int | None, last_step: int, paused: bool
) -> list[Metric]:
    """The checkpoints of a job's epochs. A pause makes one, too, which is the end of no epoch: it
    is left out of a job that was paused. Epochs have the same number of steps, to within one."""
    if not n_epochs or not (paused or len(checkpoints) > n_epochs):
        return list(checkpoints)
    ends = [last_step * number / n_epochs for number in range(1, n_epochs + 1)]
    by_step = {one.step: one for one in checkpoints}  # paused at an end, there are two of a step
    return [one for step, one in by_step.items() if any(abs(step - end) < 1 for end in ends)]


def read_results(table: str) -> list[Metric]:
    """The steps of the table; what the service has not measured (-1 or nothing) is None.

    A row without a step is left out, and a table of another shape has none.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(table)))
    except csv.Error:
        return []
    return [
        Metric(int(step), _number(row, "train_loss"), _number(row, "valid_loss"))
        for row in rows
        if (step := _number(row, "step")) is not None
    ]


def _number(row: dict[str, str], column: str) -> float | None:
    try:
        value = float(row.get(column) or "")
    except ValueError:
        return None
    return value if value >= 0 and isfinite(value) else None
