"""What is so once a story is over, as sentences: of the records, of the service, of who was told.

Two lives of one story have the same facts, however they went. What one has more often than the
other was doubled, what it has less often was lost. Ids and times are no facts. Knows no story.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta

from shared.model.history import Change
from shared.model.registry import Hosted, Model, Version
from shared.run.record import Run
from tests.support.mortal import CONTAINERS, Billed, Mortal

Facts = Counter[str]
APART = timedelta(minutes=10)  # a killed worker's successor notes later what that one has done
# What these say is among the facts; but how long it takes to wake is an estimate, of what was seen.
NO_FACTS = ("outbox/", "notified/", "woken")


@dataclass(frozen=True)
class Difference:
    """`doubled`: more than should be; `lost`: less."""

    doubled: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.doubled or self.lost)

    @classmethod
    def between(cls, found: Facts, right: Facts) -> "Difference":
        more, less = found - right, right - found
        return cls(tuple(sorted(more.elements())), tuple(sorted(less.elements())))


def least(found: Facts, allowed: Iterable[Facts]) -> Difference:
    """The difference to that one of the allowed endings that is nearest."""
    every = [Difference.between(found, right) for right in allowed]
    return min(every, key=lambda one: len(one.doubled) + len(one.lost))


def found_again(facts: Facts) -> Facts:
    """The facts where storage has lost writes: a job may be found before it is asked for again."""
    found = Facts()
    for fact, count in facts.items():
        found[fact.replace("uploaded submitting submitted", "uploaded submitted")] += count
    return found


async def facts_of(app: Mortal) -> Facts:
    models = await app.ctx.registry.all([])
    runs = await app.harness.runs()
    found = Facts()
    for model in models:
        found.update(_of_model(model, app))
    for run in runs:
        found.update(_of_run(run))
    found.update(_of_service(app, runs))
    found.update(f"told: {what}" for what in app.receiver.said.values())
    found.update(f"asked again: {what}" for what in app.asked_again)
    found.update([fact async for fact in _of_storage(app)])
    found.update([fact async for fact in _of_answers(app, runs)])
    return found


def _of_model(model: Model, app: Mortal) -> list[str]:
    served = f"champion {model.champion}, before it {model.previous}, {model.numbered} numbers"
    found = [f"{model.name}: {served}{', being deleted' if model.deleting else ''}"]
    found += [f"{model.name}: {_change(change)}" for change in model.history]
    for version in model.versions:
        called = f"{model.name}@{version.version}"
        sleeps = " and sleeps" if version.asleep_since else ""
        found.append(f"{called} is {model.state_of(version.version)}{sleeps}, {version.sku}")
        found.append(f"{called}: {len(version.hosted)} stretches of hosting, {_last(version)}")
    return found + problems_of(model, app)


def _change(change: Change) -> str:
    verdict = ", by a verdict" if change.verdict else ""
    why = f"{change.cause} by {change.who}: {change.why!r}{verdict}"
    return f"{change.before} became {change.version}, {why}"


def _last(version: Version) -> str:
    return "deployed" if version.is_hosted else "not deployed"


def _of_run(run: Run) -> list[str]:
    stages = " ".join(moment.stage for moment in run.timeline)
    left = ", commanded" if run.command else ""
    return [f"run {run.id}: {stages}{left}; {run.held or run.failure or run.compared}"]


def _of_service(app: Mortal, runs: list[Run]) -> list[str]:
    service, now = app.service, app.clock.now()
    found = [f"file {file.name}" for file in service.files.values()]
    for job in list(service.jobs.values()):
        status, run_id = app.service.job_status(job.id), job.request.metadata.get("tunedrop_run")
        gone = ", its model is deleted" if job.model in service.deleted_models else ""
        found.append(f"job of {run_id}: {status}{gone}")
    for deployed in service.list_deployments():
        answers = "answers" if deployed.answers(now) else deployed.state(now)
        found.append(f"deployment {deployed.name}: {deployed.sku}, {answers}")
    return found + [f"deployment {one.name} was made" for one in service.billed]


async def _of_storage(app: Mortal) -> AsyncIterator[str]:
    """The names of what lies there."""
    for name in CONTAINERS:
        async for blob in app.container(name).list():
            if not blob.name.startswith(NO_FACTS):
                yield f"blob {name}/{_nameless(blob.name)}"


def _nameless(name: str) -> str:
    """newest/<time>-<run id> without the time."""
    first, _, rest = name.partition("/")
    return f"{first}/{rest.partition('-')[2]}" if first == "newest" else name


async def _of_answers(app: Mortal, runs: list[Run]) -> AsyncIterator[str]:
    for run in runs:
        found = await app.clients.runs.read(f"{run.id}/answers.jsonl")
        for line in found.data.splitlines() if found else ():
            kept = json.loads(line)
            which = "its own" if kept["model"] == run.fine_tuned_model else "another's"
            yield f"{which} answer to line {kept['line']} is kept by {run.id}"


# ---- what holds by itself, in any story


def problems_of(model: Model, app: Mortal) -> list[str]:
    """What contradicts itself, in sentences; none of them is a fact of an undisturbed life."""
    found = []
    for before, after in zip((None, *model.history), model.history, strict=False):
        if after.before != (before.version if before else None):
            found.append(f"WRONG: {model.name}'s history has a gap before {after.version}")
    ids = [change.id for change in model.history if change.id]
    if len(set(ids)) < len(ids):
        found.append(f"WRONG: {model.name}'s history has a change twice")
    if (model.history[-1].version if model.history else None) != model.champion:
        found.append(f"WRONG: {model.name}'s history ends with another than its champion")
    for version in model.versions:
        found += [f"WRONG: {called}" for called in _of_version(model, version, app)]
    return found


def _of_version(model: Model, version: Version, app: Mortal) -> Iterable[str]:
    called = f"{model.name}@{version.version}"
    there = app.service.find_deployment(version.deployment)
    deployed = there is not None and there.model == version.fine_tuned_model
    if deployed and (version.asleep_since or version.withdrawn):
        yield f"{called} has a deployment that it should not have"
    if not deployed and version.version == model.champion and not version.asleep_since:
        yield f"{called} is the champion and has no deployment"
    if deployed != version.is_hosted:
        yield f"{called} is {_last(version)} by the registry, and not at the service"
    billed = [one for one in app.service.billed if one.name == version.deployment]
    if len(billed) != len(version.hosted):
        yield f"{called}: {len(billed)} stretches are billed, {len(version.hosted)} known"
    elif any(map(_apart, billed, version.hosted)):
        yield f"{called}: a stretch of hosting is known as another than is billed"


def _apart(billed: Billed, known: Hosted) -> bool:
    if abs(billed.since - known.since) > APART:
        return True
    if billed.until is None or known.until is None:
        return billed.until is not known.until
    return abs(billed.until - known.until) > APART
