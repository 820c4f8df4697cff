"""A local file, or standard input, through the dataset check."""

from pathlib import Path
from typing import TYPE_CHECKING

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from tunedrop.files import name_of, opened

if TYPE_CHECKING:
    from shared.dataset.scan import ScanResult

CHUNK = 1 << 18


def scan(path: Path, role: FileRole, plan: TrainingPlan, *, deep: bool) -> "ScanResult":
    """`-` is standard input. Raises CommandError for what is no file."""
    from shared.dataset.scan import Scan

    scan = Scan(name_of(path), role, plan, deep=deep)
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    return scan.finish()
