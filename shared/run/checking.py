"""A run's dataset check: its files read through the checks, its reports written.

Knows which checks a run asks for, not what they find. The app only passes bytes on: a process of
its own reads them.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import NamedTuple

from shared import telemetry
from shared.dataset.measure.cost import TrainingPlan
from shared.printable import shown
from shared.run import files, notices, planning
from shared.run.context import Context
from shared.run.plan import Plan
from shared.run.record import File, Predicted, Run, Share
from shared.run.spec import Spec
from shared.run.workers import Session


class Checked(NamedTuple):
    """`run` knows how many examples each of its files has, its digest, and what its training should
    take; `errors` says in a few
    words what the errors are, and is empty for a dataset that is good."""

    run: Run
    summary: str
    errors: str


class Reports(NamedTuple):
    """As they are kept: the page, and the same for programs."""

    html: bytes
    json: bytes


async def check(run: Run, ctx: Context) -> Checked:
    """Check the files and keep the reports beside the run. Raises Replaced if one was replaced,
    TooCostly, and WorkerLost."""
    run = await files.prepare(run, ctx)  # it may need a process as well
    checked, reports, findings = await examine(run, await planning.make(run, ctx), ctx)
    await _keep(reports, run, ctx)
    for id, count in findings:
        telemetry.measure("tunedrop.findings", count, id=id)
    return checked


async def examine(
    run: Run, made: Plan, ctx: Context
) -> tuple[Checked, Reports, list[tuple[str, int]]]:
    """Check the files of a run that is prepared; nothing is kept. The last: how many findings there
    are of each id. Raises as `check` does."""
    names = " and ".join(dict.fromkeys(f"'{shown(file.name)}'" for file in run.files))
    size = sum(file.size for file in run.files)
    async with ctx.workers.session(names, size, **_asked(run, made, ctx)) as session:
        scanned = [await _scan(file, run, session, ctx) for file in run.files]
        report = await session.ask("report")
    predicted = Predicted.model_validate(report.head["predicted"])
    known = run.with_files(*scanned).replace(predicted=predicted)
    end = report.head["html"]
    checked = Checked(known, report.head["summary"], report.head["errors"])
    return checked, Reports(report.body[:end], report.body[end:]), report.head["findings"]


async def _scan(file: File, run: Run, session: Session, ctx: Context) -> File:
    """The file with what was found of it. The process is told of the end only where it was read
    whole and is the one that was taken."""
    role = "training" if file is run.training else "validation"
    await session.ask("open", name=file.name, role=role)
    async for chunk in files.read(file, ctx):
        await session.ask("feed", chunk)
    found = (await session.ask("close")).head
    return file.replace(examples=found["examples"], content_sha256=found["sha256"])


async def _keep(reports: Reports, run: Run, ctx: Context) -> None:
    await ctx.ledger.keep(run.id, "report.html", reports.html, "text/html")
    # Last: its presence means that the check is complete.
    await ctx.ledger.keep(run.id, "report.json", reports.json, "application/json")


def _asked(run: Run, made: Plan, ctx: Context) -> dict[str, object]:
    return {
        "run": run.id,
        "plan": asdict(plan_of(run.spec, made.region or ctx.region)),
        "account": made.as_json(),
        "today": ctx.now().date().isoformat(),
        "validation_age": _validation_age(run).total_seconds(),
        "left_out": notices.left_out(run),
        "nothing_held_out": run.training.share is Share.TRAINING and run.validation is None,
    }


def plan_of(spec: Spec, region: str = "") -> TrainingPlan:
    return TrainingPlan(
        base_model=spec.base_model,
        method=spec.method,
        training_type=spec.training_type,
        epochs=spec.hyperparameters.n_epochs,
        budget=spec.budget,
        sku=spec.deployment.sku,
        region=region,
        unknown_price=spec.unknown_price,
    )


def _validation_age(run: Run) -> timedelta:
    """How much older the validation file is: it may have been left by an earlier drop."""
    if not (run.validation and run.validation.modified and run.training.modified):
        return timedelta(0)
    return run.training.modified - run.validation.modified
