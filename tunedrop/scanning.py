"""A local file through the dataset check."""

from pathlib import Path
from typing import TYPE_CHECKING

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole

if TYPE_CHECKING:
    from shared.dataset.scan import ScanResult

CHUNK = 1 << 18


def scan(path: Path, role: FileRole, plan: TrainingPlan, *, deep: bool) -> "ScanResult":
    from shared.dataset.scan import Scan

    scan = Scan(str(path), role, plan, deep=deep)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    return scan.finish()
