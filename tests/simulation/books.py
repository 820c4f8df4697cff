"""What must hold when a life is over: what is at the service, in storage and in the records agrees,
nothing is left that costs, and every drop has come to something.
"""

import hashlib
import json
from functools import cache
from typing import Any

from shared.run import drops
from shared.run.folder import look_everywhere
from shared.run.stages import DEPLOYED, ENDS, Stage
from tests.simulation.hosts import QUIET, World
from tests.simulation.network import driven
from tests.simulation.plan import Drop, Plan
from tests.simulation.rules import ANSWER_THAT_PASSES, Rules
from tests.support.datasets import dataset

LINES = 12  # of a dataset; few enough for a lone one to be taken whole
APART = 60.0  # seconds after which two drops are surely not one
RUN_YAML = b"hyperparameters: {n_epochs: 1}\n"
MANUAL = b"start: manual\n"
STUCK = ("job-stuck", "not-ready", "file-stuck")  # what only a person ends


@cache
def content_of(name: str, voice: str) -> bytes:
    if name == "run.yaml":
        return MANUAL if voice.startswith("c") else RUN_YAML
    return dataset(LINES, f"{voice} {name[:5]}")


def path_of(model: str, name: str) -> str:
    return f"{model}.jsonl" if name == "lone" else f"{model}/{name}"


def still_to_do(world: World, rules: Rules) -> str:
    """What is not over yet; empty when all is."""
    for run_id, record in rules.records.items():
        if record["stage"] not in ENDS:
            return f"{run_id} is {record['stage']}: {record['waiting_for']}"
        if record["command"]:
            return f"{run_id} has a command: {record['command']['action']}"
    if active := world.runs.names("active/"):
        return f"{active} are looked after"
    for storage in world.storage.values():
        if held := [name for name in storage.names() if storage.holder(name)]:
            return f"{held} are held"
    return untaken(world)


def untaken(world: World) -> str:
    """A drop that was not taken as it lies there and is not explained."""
    found = driven(look_everywhere(world.datasets))
    taken = driven(drops.Drops(world.runs).all())
    left = [folder.model for folder in found.folders if drops._name(folder) not in taken]
    strange = [blob.name for blob in found.strange if not found.is_explained(blob)]
    if left or strange:
        return f"{left} are not taken, {strange} are not explained"
    return ""


def balance(plan: Plan, world: World, rules: Rules) -> None:
    """Tells the rules where the books do not agree."""
    for run_id, record in rules.records.items():
        _of_run(run_id, record, world, rules, plan)
    _of_service(world, rules)
    _of_champions(rules)
    for drop in newest_drops(plan):
        _of_drop(drop, plan, rules)


def _of_run(run_id: str, record: dict[str, Any], world: World, rules: Rules, plan: Plan) -> None:
    log = (world.runs.bytes_of(f"{run_id}/events.jsonl") or b"").splitlines()
    told = [line["message"] for line in map(json.loads, log) if line["kind"] == "stage"]
    for moment in record["timeline"]:
        stage = moment["stage"]
        known = any(line.partition(":")[0] == stage for line in told)
        rules.check(known, f"{run_id}: its log does not say that it was {stage}")
    if record["stage"] != Stage.FAILED:
        return
    message = record["failure"]["message"]
    overdue = message.startswith("Nothing new was seen")
    passing = ANSWER_THAT_PASSES.search(message) and not overdue
    rules.check(not passing, f"{run_id} has failed by what would have passed: {message}")
    reasons = plan.fates or plan.deadline or not overdue
    rules.check(reasons, f"{run_id} has failed without a cause: {message}")
    caused = plan.fates or overdue or "gone" in message or "disappeared" in message
    rules.check(caused, f"{run_id} has failed, and the service has not: {message}")


def _of_service(world: World, rules: Rules) -> None:
    service = world.service
    tuning = [file.name for file in service.files.values() if file.purpose == "fine-tune"]
    rules.check(not tuning, f"files are left at the service: {tuning}")
    known = {record["job_id"] for record in rules.records.values()}
    known |= {job for record in rules.records.values() for job in record["past_jobs"]}
    for job_id, job in service.jobs.items():
        rules.check(job_id in known, f"no record knows the job {job_id}")
        ended = service.job_by_now(job_id).status in ("succeeded", "failed", "cancelled")
        rules.check(ended, f"the job {job_id} of {job.request.metadata} goes on")
    serving = {
        f"{record['deployment']}"
        for record in rules.records.values()
        if record["stage"] in DEPLOYED
    }
    there = {d.name for d in service.list_deployments() if d.gone_at is None}
    rules.check(there <= serving, f"deployments that no run serves by: {sorted(there - serving)}")
    rules.check(serving <= there, f"runs serve without a deployment: {sorted(serving - there)}")


def _of_champions(rules: Rules) -> None:
    """The newest dataset that serves answers for its model."""
    for name, model in rules.models.items():
        serving = [
            version
            for version in model["versions"]
            if rules.records[version["run_id"]]["stage"] == Stage.SERVING
        ]
        # Of a content that was dropped again, either time may count.
        by_first = max(serving, key=lambda v: rules.dropped[v["run_id"]], default=None)
        by_last = max(serving, key=lambda v: rules.last_dropped(v["run_id"]), default=None)
        newest = [version["version"] if version else None for version in (by_first, by_last)]
        message = f"{model['champion']} is the champion, and {newest[0]} is of the newest dataset"
        rules.check(model["champion"] in newest, f"{name}: {message}")


def newest_drops(plan: Plan) -> list[Drop]:
    """The last of each model, where none came so shortly before that their files are mixed."""
    last: dict[str, Drop] = {}
    mixed: dict[str, bool] = {}
    for drop in plan.drops:
        before = last.get(drop.model)
        mixed[drop.model] = before is not None and drop.at - before.at < APART
        last[drop.model] = drop
    return [drop for model, drop in last.items() if not mixed[model]]


def _of_drop(drop: Drop, plan: Plan, rules: Rules) -> None:
    """What was dropped together has become one run, with all of its files."""
    contents = {name: content_of(name, voice) for name, voice in drop.files}
    training = contents.get("training.jsonl") or contents.get("lone")
    if training is None:
        return
    digest = hashlib.sha256(training).hexdigest()
    runs = [r for r in rules.records.values() if r["training"]["sha256"] == digest]
    mine = [r for r in runs if r["model"] == drop.model]
    rules.check(mine, f"the last drop of {drop.model} has become no run")
    if "validation.jsonl" in contents and drop.between < QUIET / 2 and not _came_alone(drop, plan):
        held_out = hashlib.sha256(contents["validation.jsonl"]).hexdigest()
        parts = [r["id"] for r in mine if (r["validation"] or {}).get("sha256") != held_out]
        rules.check(not parts, f"{parts} were taken before the last drop of {drop.model} was whole")


def _came_alone(drop: Drop, plan: Plan) -> bool:
    """Whether its training file was also dropped without its validation file."""
    others = [o for o in plan.drops if o is not drop and o.model == drop.model]
    return any(o.files[0] == drop.files[0] for o in others)
