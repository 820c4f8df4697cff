"""What a person should know of a run although it goes on, in sentences: files beside its own that
are in no run, that nothing could be held out for validation, and what its deployment costs.

Pure. Knows records, not reports.
"""

from shared.catalog import lookup
from shared.printable import shown
from shared.run.record import Run, Share
from shared.run.stages import DEPLOYED


def notices(run: Run, region: str = "") -> list[str]:
    """`region`: whose prices count."""
    return [*left_out(run), *without_validation(run), *hosting(run, region)]


def hosting(run: Run, region: str) -> list[str]:
    """What the deployment of its version costs, where that is known and not nothing."""
    asked = run.spec.deployment
    price = lookup.hosting_per_hour(run.spec.base_model, asked.sku, region)
    if run.stage not in DEPLOYED or not price:
        return []
    called = f"{run.model}@{run.version}"
    return [
        f"As long as {called} is deployed it costs {price:.2f} USD an hour, used or not; "
        f"`tunedrop sleep {called}` ends that until somebody chats with it."
    ]


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
