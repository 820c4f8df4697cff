"""A run's dataset check: its files read through the checks, its reports written.

Knows which checks a run asks for, not what they find. The work is done off the event loop.
"""

import asyncio
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.run import files
from shared.run.context import Context
from shared.run.record import File, Run

if TYPE_CHECKING:
    from shared.dataset.measure.cost import TrainingPlan
    from shared.dataset.scan import Scan, ScanResult


class Reports(NamedTuple):
    html: bytes
    json: bytes
    summary: str
    errors: str  # what the errors are, in a few words; empty for a dataset that is good


class Checked(NamedTuple):
    """`run` knows how many examples each of its files has."""

    run: Run
    summary: str
    errors: str


async def check(run: Run, ctx: Context) -> Checked:
    """Check the files and keep the reports beside the run. Raises Replaced if one was replaced."""
    scanned = [await _scan(file, run, ctx) for file in run.files]
    counted = zip(run.files, scanned, strict=True)
    run = run.with_files(
        *(
            file.replace(examples=found.examples, content_sha256=found.sha256)
            for file, found in counted
        )
    )
    reports = await asyncio.to_thread(_judge, run, scanned, ctx.now().date())
    await ctx.ledger.keep(run.id, "report.html", reports.html, "text/html")
    # Last: its presence means that the check is complete.
    await ctx.ledger.keep(run.id, "report.json", reports.json, "application/json")
    return Checked(run, reports.summary, reports.errors)


async def _scan(file: File, run: Run, ctx: Context) -> "ScanResult":
    scan = await asyncio.to_thread(_new_scan, file, run)
    async for chunk in files.read(file, ctx):
        await asyncio.to_thread(scan.feed, chunk)
    return await asyncio.to_thread(scan.finish)


def _new_scan(file: File, run: Run) -> "Scan":
    from shared.dataset.reading.examples import FileRole
    from shared.dataset.scan import Scan  # numpy and the tokenizer: a chat never needs them

    return Scan(
        file.name, FileRole.TRAINING if file is run.training else FileRole.VALIDATION, _plan(run)
    )


def _plan(run: Run) -> "TrainingPlan":
    from shared.dataset.measure.cost import TrainingPlan

    spec = run.spec
    return TrainingPlan(
        base_model=spec.base_model,
        method=spec.method,
        training_type=spec.training_type,
        epochs=spec.hyperparameters.n_epochs,
        budget=spec.budget,
        developer_hosting=spec.deployment.sku.lower().startswith("developer"),
    )


def _validation_age(run: Run) -> timedelta:
    """How much older the validation file is: it may have been left by an earlier drop."""
    if not (run.validation and run.validation.modified and run.training.modified):
        return timedelta(0)
    return run.training.modified - run.validation.modified


def _judge(run: Run, scanned: "list[ScanResult]", today: date) -> Reports:
    from shared.dataset.report import document, page
    from shared.dataset.verdict import judge

    verdict = judge(scanned, _plan(run), today, _validation_age(run))
    groups = [*verdict.groups, *(g for file in verdict.files for g in verdict.groups_of(file))]
    for group in groups:
        telemetry.measure("tunedrop.findings", group.count, id=group.id)
    errors = [f"{g.id} ({g.count})" for g in groups if g.as_json()["severity"] == "error"]
    return Reports(
        html=page.as_html(run.id, verdict).encode(),
        json=json.dumps(document.as_json(run.id, verdict), indent=2, ensure_ascii=False).encode(),
        summary=document.summary(verdict),
        errors=", ".join(errors),
    )
