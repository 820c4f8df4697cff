"""What a person should know of a run although it goes on, in sentences: files beside its
own that are in no run, and that nothing could be held out for validation.

Pure. Knows records, not reports.
"""

from shared.printable import shown
from shared.run.record import Run, Share


def notices(run: Run) -> list[str]:
    return [*left_out(run), *without_validation(run)]


def left_out(run: Run) -> list[str]:
    told = [
        f"{shown(name)} is in no run: a newer file of its kind lies beside it."
        for name in run.left_out
    ]
    if run.left_out_more:
        told.append(f"{run.left_out_more:,} more files beside it are in no run either.")
    return told


def without_validation(run: Run) -> list[str]:
    """Of a dataset that was dropped alone and checked: a tenth of it is held out where it can."""
    alone = run.training.name == f"{run.model}.jsonl" and run.validation is None
    if not alone or run.training.examples is None:
        return []
    why = "it is too short to be split"
    if run.training.share is Share.TRAINING:
        why = "too few of its examples differ for some of them to be held out"
    return [f"{shown(run.training.name)} has no validation set: {why}."]
