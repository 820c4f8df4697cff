"""The service's results.csv, read leniently. Pure."""

import csv
import io
from math import isfinite

from shared.cloud.remote import Metric


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
