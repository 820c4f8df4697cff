"""Runs as a stack's storage has them, for pages that show one: written there, and taken away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.cloud.documents import as_json
from shared.run.record import Run, Transition
from shared.run.stages import Stage
from tests.support.moments import START, run_in
from tests.support.stack import StackHarness

BAD = b'{"messages": []}\nno json\n' * 12
NUMBER = "0123456789abcdef" * 2


def known_run(stage: Stage, *, model: str = "shown", **known: Any) -> Run:
    """A run of `model` in this stage; `known` are fields of its record."""
    came = (Transition(stage=Stage.RECEIVED, at=START), Transition(stage=stage, at=START))
    known = {"timeline": came, **known}
    return run_in(stage).replace(id=f"{model}-{NUMBER}", model=model, **known)


@contextmanager
def stored(
    stack: StackHarness,
    run: Run,
    *,
    curve: list[tuple[int, float | None, float | None]] | None = None,
    events: list[dict[str, Any]] | None = None,
    report: str = "",
) -> Iterator[str]:
    """The run's id, while its documents lie in the stack's storage. No tick looks after it."""
    points = [{"step": s, "train_loss": t, "valid_loss": v} for s, t, v in curve or ()]
    log = "".join(json.dumps(event) + "\n" for event in events or ())
    documents = {
        "run.json": as_json(run),
        "curve.json": json.dumps(points).encode(),
        "events.jsonl": log.encode(),
        "report.html": report.encode(),
    }
    container = stack.container("runs")
    for name, data in documents.items():
        if data:
            container.upload_blob(f"{run.id}/{name}", data, overwrite=True)
    try:
        yield run.id
    finally:
        for blob in list(container.list_blobs(name_starts_with=f"{run.id}/")):
            container.delete_blob(blob.name)


def rejected(stack: StackHarness, *models: str) -> list[str]:
    """The ids of their runs: what is rejected at once costs nobody time."""
    for model in models:
        stack.drop(model, training_set=BAD + model.encode())
    return [stack.ended_run(model)["id"] for model in models]
