"""A staged drop is tried: what would come of it, by the same questions that a drop is asked.

Nothing is sent to the service and nothing is entered: there is a run in memory, its report, its
plan, and what the app's ceilings say of it. Knows what is asked, not how files are staged.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from shared.cloud.container import BlobInfo
from shared.cloud.documents import Document, as_json
from shared.errors import CallerError, DropError
from shared.run import admission, ceilings, checking, entry, files, intake, notices, planning
from shared.run.checking import Checked, Reports
from shared.run.context import Context
from shared.run.entry import RefusedDrop
from shared.run.folder import DropRole, Folder, look, parse
from shared.run.overlay import Overlay
from shared.run.plan import Plan
from shared.run.record import Failure, Run
from shared.run.spending import Held
from shared.run.staging import NAMES, Staging

CHECK = "check.json"
REPORTS = {"report.html": "text/html", "report.json": "application/json"}
RETRY = "; then `tunedrop retry"  # of what is no run yet


class Seen(Document):
    """What was tried: `made_of` has the version of each file, staged or lying there; `verdict` is
    accepted, rejected (by the dataset check) or refused (it would make no run); `removes` are the
    files beside them that go when they are dropped, None where all that lies there stays;
    `replaces` are those that they are written over."""

    model: str
    verdict: str
    made_of: dict[str, str]
    replaces: dict[str, str]
    removes: dict[str, str] | None = None
    run: str = ""
    digest: str = ""

    @property
    def proof(self) -> str:
        """What a drop brings to show that this check is the one that was seen."""
        return hashlib.sha256(as_json(self)).hexdigest()


@dataclass(frozen=True)
class Trial:
    """`refused`: why it would make no run, by the files to blame. The others are of what would."""

    model: str
    folder: Folder
    overlay: Overlay
    removes: dict[str, str] | None = None
    replaces: dict[str, str] = field(default_factory=dict)
    refused: dict[str, DropError] = field(default_factory=dict)
    run: Run | None = None
    known: Run | None = None
    standing: str = ""
    checked: Checked | None = None
    reports: Reports | None = None
    plan: Plan | None = None
    held: Held | None = None
    left_out: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        if self.refused or self.checked is None:
            return "refused"
        return "rejected" if self.checked.errors else "accepted"

    def seen(self) -> Seen:
        run = self.run
        return Seen(
            model=self.model,
            verdict=self.verdict,
            made_of=made_of(self.folder),
            removes=self.removes,
            replaces=self.replaces,
            run=run.id if run else "",
            digest=run.digest if run else "",
        )


async def try_drop(staging: Staging, model: str, ctx: Context, *, alone: bool = False) -> Trial:
    """What would come of the staged files as a drop for the model; kept beside them. `alone`:
    without what lies in the model's folder and would belong to them. Raises CallerError for what is
    no drop, TooCostly and WorkerLost as a check does."""
    trial = await _tried(await overlaid(staging, model, ctx, alone=alone), ctx)
    if trial.reports:
        await staging.keep("report.html", trial.reports.html, REPORTS["report.html"])
        await staging.keep("report.json", trial.reports.json)
    else:
        await staging.discard(*REPORTS)
    await staging.keep(CHECK, as_json(trial.seen()))  # last: it says that the others are there
    return trial


async def overlaid(staging: Staging, model: str, ctx: Context, *, alone: bool = False) -> Trial:
    """The model's folder with the staged files in it. Raises CallerError where they are none."""
    parse(f"{model}/run.yaml")
    datasets = ctx.clients.datasets
    overlay = await Overlay.of(staging, model, datasets, alone=alone)
    found = await look(model, overlay)
    _check_roles(found, overlay)
    lying = await look(model, datasets)
    removes = _beside(lying, found) if alone else None
    there = (blob for _, blob in _all_of(lying) if overlay.staged_name(blob.name))
    return Trial(model, found, overlay, removes, dict(sorted(blob.version for blob in there)))


def _beside(lying: Folder, staged: Folder) -> dict[str, str]:
    """What lies there and would belong to a drop that has nothing in its place. An older training
    set belongs to none."""
    others = [b for role, b in _all_of(lying) if role not in (DropRole.TRAINING, *staged.newest)]
    return dict(sorted(blob.version for blob in others))


def _all_of(lying: Folder) -> list[tuple[DropRole, BlobInfo]]:
    return [*lying.newest.items(), *lying.older]


def _check_roles(found: Folder, overlay: Overlay) -> None:
    """Raises CallerError: a drop has one file of each role, and a training set of its own."""
    for role, blob in found.older:
        if name := overlay.staged_name(blob.name):
            other = overlay.staged_name(found.newest[role].name)
            raise CallerError(
                f"{name} and {other} are both taken as {role}: a drop has one of each.",
                "Begin anew, with one of them.",
            )
    training = found.newest.get(DropRole.TRAINING)
    if training is None or overlay.staged_name(training.name) is None:
        raise CallerError("No training set is among the staged files.", NAMES)


async def _tried(trial: Trial, ctx: Context) -> Trial:
    async with replace(ctx, staged=trial.overlay).with_copies() as tried:
        try:
            run = await intake.compose(trial.folder, tried)
            assert run, "there is a training set"
            await admission.check_run_stays(run.id, ctx.clients.models)
        except RefusedDrop as refused:
            return replace(trial, refused=refused.errors)
        except DropError as error:
            training = trial.folder.newest[DropRole.TRAINING].name
            return replace(trial, refused={training: error})
        return await _examined(trial, run, tried)


async def _examined(trial: Trial, run: Run, ctx: Context) -> Trial:
    left = [blob.name for blob in await entry.in_no_run(trial.folder, ctx)]
    run = run.replace(left_out=tuple(left[: entry.MAX_NAMED]))
    known = await entry.known_run(run, ctx)
    run = await files.prepare(run, ctx)
    checked, reports, _ = await checking.examine(run, await planning.ask(run, ctx), ctx)
    run = checked.run
    usd = run.predicted.usd if run.predicted else None
    return replace(
        trial,
        run=run,
        known=known,
        standing=await entry.known_as(known, ctx) if known else "",
        checked=checked,
        reports=reports,
        plan=await planning.ask(run, ctx),
        held=await ceilings.ask(run, usd, ctx),
        left_out=tuple(notices.left_out(run)),
    )


def made_of(found: Folder) -> dict[str, str]:
    """The versions of the files that a folder's drop is made of."""
    return dict(blob.version for blob in found.newest.values())


# ---- what is told


def as_told(trial: Trial) -> dict[str, Any]:
    """For people and programs: `files` has what the drop would be made of, those that lie in the
    model's folder already among them."""
    run, plan = trial.run, trial.plan
    return {
        "model": trial.model,
        "verdict": trial.verdict,
        "seen": trial.seen().proof,
        "run": run.id if run else None,
        "digest": run.digest if run else None,
        "files": [_file(role, trial) for role in trial.folder.newest],
        "removes": None if trial.removes is None else [*trial.removes],
        "left_out": list(trial.left_out),
        "refused": [_refusal(path, error, trial) for path, error in trial.refused.items()],
        "spec": run.spec.model_dump(mode="json") if run else None,
        "summary": trial.checked.summary if trial.checked else "",
        "report": _brief(trial.reports.json) if trial.reports else None,
        "plan": plan.as_json() if plan else None,
        "ceilings": _held(trial.held),
        "known": _known(trial),
    }


def _file(role: DropRole, trial: Trial) -> dict[str, Any]:
    blob = trial.folder.newest[role]
    staged = trial.overlay.staged_name(blob.name)
    known = next((f for f in trial.run.files if f.name == blob.name), None) if trial.run else None
    return {
        "name": staged or blob.name.removeprefix(f"{trial.model}/"),
        "path": blob.name,
        "role": role,
        "size": blob.size,
        "staged": staged is not None,
        "dropped": None if staged else blob.modified.isoformat(),
        "sha256": known.sha256 if known else None,
    }


def _refusal(path: str, error: DropError, trial: Trial) -> dict[str, Any]:
    name = trial.overlay.staged_name(path)
    return {"name": name or path, "staged": name is not None} | {
        "message": error.message,
        "fix": error.fix,
    }


def _held(held: Held | None) -> dict[str, Any] | None:
    """Why nothing of it could be sent now: `waits` where that passes by itself."""
    if held is None:
        return None
    failure = held.failure or Failure(message=held.waiting_for or "", fix="", blame="caller")
    fix = failure.fix.split(RETRY)[0]
    fix += "." if fix and not fix.endswith(".") else ""
    return {"message": failure.message, "fix": fix, "waits": held.failure is None}


def _known(trial: Trial) -> dict[str, Any] | None:
    """The run that is made of the same: it is trained no second time, unless it `starts_over`."""
    known = trial.known
    if known is None:
        return None
    return {
        "run": known.id,
        "stage": known.stage,
        "version": known.version,
        "told": trial.standing,
        "starts_over": known.may_start_over,
    }


SHOWN_LINES = 20  # of a finding
SHOWN_PLACES = 3


def _brief(report: bytes) -> dict[str, Any]:
    """The report without what makes it long: of each finding the first places. All of it is
    report.json."""
    told: dict[str, Any] = json.loads(report)
    for part in (told, *told["files"]):
        places: dict[str, list[Any]] = {}
        for finding in part.pop("findings"):
            of_it = places.setdefault(finding["id"], [])
            if len(of_it) < SHOWN_PLACES:
                of_it.append(finding)
        for group in part["groups"]:
            group["lines"] = group["lines"][:SHOWN_LINES]
            group["places"] = places.get(group["id"], [])
    return told
