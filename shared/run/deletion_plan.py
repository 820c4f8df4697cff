"""What there is to delete of a model, or of a run with its version: found by looking, deleted by
nobody here.

A run and the version that it has made are one thing. What is not this app's stays, and so do the
datasets unless they are asked for. The digest is of what would go: only what was confirmed is
carried out.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from shared.catalog import lookup
from shared.chat.feedback import FeedbackStore
from shared.cloud.deployments import Deployment
from shared.dataset.measure.cost import usd
from shared.errors import NotFound, NotNow, TunedropError
from shared.model.deletion import Dropped
from shared.model.registry import Model, Version
from shared.printable import printable, shown
from shared.run import files
from shared.run.context import Context
from shared.run.record import Run

CHECKPOINT = ":ckpt-step-"  # in the name of a model that stands for a checkpoint of another


@dataclass(frozen=True, slots=True)
class Target:
    """`run_id` is empty for a whole model, `number` None for a run without a version."""

    model: str
    run_id: str = ""
    number: int | None = None

    @property
    def called(self) -> str:
        if not self.run_id:
            return self.model
        return f"{self.model}@{self.number}" if self.number else self.run_id


@dataclass(frozen=True, slots=True)
class Item:
    """`usd`: a month at list price, where it costs something by the hour."""

    what: str
    name: str
    note: str = ""
    usd: float | None = None

    def as_json(self) -> dict[str, object]:
        noted = {"note": self.note, "usd_per_month": self.usd}
        return {"what": self.what, "name": printable(self.name), **noted}


@dataclass(frozen=True, slots=True)
class Plan:
    """`then` says what is so afterwards. `datasets` are among `goes` where they are asked for."""

    target: Target
    goes: tuple[Item, ...]
    stays: tuple[Item, ...]
    then: tuple[str, ...]
    datasets: tuple[Dropped, ...]
    digest: str

    def as_json(self) -> dict[str, object]:
        return {
            "target": self.target.called,
            "goes": [item.as_json() for item in self.goes],
            "stays": [item.as_json() for item in self.stays],
            "then": list(self.then),
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """All that is known of a target: its model's record, its runs and versions, the account's
    deployments."""

    target: Target
    model: Model | None
    runs: tuple[Run, ...]
    versions: tuple[Version, ...]
    deployments: tuple[Deployment, ...]

    @property
    def tuned(self) -> list[str]:
        """Fine-tuned models at the service; a checkpoint goes with the model that it is of."""
        names = [run.fine_tuned_model for run in self.runs]
        names += [version.fine_tuned_model for version in self.versions]
        return list(dict.fromkeys(name.partition(CHECKPOINT)[0] for name in names if name))

    @property
    def ours(self) -> list[tuple[Version, Deployment]]:
        by_name = {there.name: there for there in self.deployments}
        pairs = ((version, by_name.get(version.deployment)) for version in self.versions)
        return [(v, d) for v, d in pairs if d and d.model == v.fine_tuned_model]

    @property
    def foreign(self) -> list[Deployment]:
        """Deployments of its models that the app has not made: their models cannot be deleted."""
        names = {there.name for _, there in self.ours}
        of_its = [d for d in self.deployments if d.model.partition(CHECKPOINT)[0] in self.tuned]
        return [there for there in of_its if there.name not in names]


async def target_of_run(run_id: str, ctx: Context) -> Target:
    """Raises NotFound."""
    name = run_id.rpartition("-")[0]
    model = await ctx.registry.load(name)
    version = model.of_run(run_id) if model else None
    if version is None and await ctx.ledger.look(run_id) is None:
        raise NotFound(f"There is no run {run_id!r}.", "`tunedrop runs` lists them.")
    return Target(name, run_id, version.version if version else None)


async def target_of_model(name: str, number: int | None, ctx: Context) -> Target:
    """A model, or the run of one of its versions. Raises NotFound."""
    model = await ctx.registry.load(name)
    if number is not None and model is not None:
        return Target(name, model.version(number).run_id, number)
    if number is not None or (model is None and not await ctx.ledger.beginning_with(f"{name}-")):
        raise NotFound(f"There is no model {shown(name)}.", "`tunedrop models` lists them.")
    return Target(name)


async def look(target: Target, ctx: Context) -> Found:
    """Raises Unreadable for a run whose record cannot be read."""
    model = await ctx.registry.load(target.model)
    versions = model.versions if model else ()
    if target.run_id:
        versions = tuple(version for version in versions if version.run_id == target.run_id)
    run_ids = [target.run_id]
    if not target.run_id:
        run_ids = await ctx.ledger.beginning_with(f"{target.model}-")
    problems: list[TunedropError] = []
    runs = await ctx.ledger.readable(run_ids, problems)
    if problems:
        raise problems[0]  # what it has at the service is not known
    deployments = await ctx.clients.deployments.list()
    return Found(target, model, tuple(runs), versions, tuple(deployments))


async def plan(target: Target, datasets: bool, ctx: Context) -> Plan:
    """What would go and what would stay. Costs a listing of deployments and one of files."""
    found = await look(target, ctx)
    dropped = await _datasets(found, ctx)
    goes = [*_runs(found), *_deployments(found, ctx), *_tuned(found)]
    stays = [*_foreign(found), *_jobs(found), *_money(found)]
    goes += [Item("dataset", blob.name) for blob in dropped if datasets]
    kept = () if datasets else dropped
    stays += [Item("dataset", blob.name, "unless it is asked for") for blob in kept]
    meant = [*goes] + [Item("etag", blob.etag) for blob in dropped if datasets]
    digest = _digest(found, meant)
    goes += [*await _files(found, ctx), *await _remembered(found, ctx)]
    then = (*_then(found, ctx), *await _trains_on(found, ctx))
    return Plan(target, tuple(goes), tuple(stays), then, dropped if datasets else (), digest)


def _digest(found: Found, goes: Iterable[Item]) -> str:
    """Of what a person decides about: not of files that come and go by themselves."""
    meant = sorted([item.what, item.name] for item in goes)
    champion = found.model.champion if found.model else None
    whole = json.dumps([found.target.called, champion, meant])
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


# ---- what goes


def _runs(found: Found) -> list[Item]:
    items = []
    for version in found.versions:
        state = found.model.state_of(version.version) if found.model else ""
        items.append(Item("version", f"{found.target.model}@{version.version}", state))
    for run in found.runs:
        note = run.stage if run.ended else f"{run.stage}: it is cancelled first"
        items.append(Item("run", run.id, f"{note}; its record, report and log"))
    return items


def _deployments(found: Found, ctx: Context) -> list[Item]:
    items = []
    for version, there in found.ours:
        sku = there.sku or version.sku
        month = lookup.hosting_per_month(version.base_model, sku, ctx.region)
        price = "price unknown" if month is None else f"{usd(month)} a month"
        items.append(Item("deployment", there.name, f"{sku}, {price}", month))
    return items


def _tuned(found: Found) -> list[Item]:
    in_use = {there.model.partition(CHECKPOINT)[0] for there in found.foreign}
    gone = (name for name in found.tuned if name not in in_use)
    return [Item("fine-tuned model", name, "at the service, with its checkpoints") for name in gone]


async def _files(found: Found, ctx: Context) -> list[Item]:
    names = {
        files.name_at_service(file, run, attempt)
        for run in found.runs
        for file in run.files
        for attempt in range(1, run.attempt + 1)
    }
    listed = await ctx.clients.finetuning.files(names) if names else []
    items = [Item("file at the service", file.name, f"{file.size:,} bytes") for file in listed]
    tables = sum(run.fine_tuned_model is not None and not run.ended for run in found.runs)
    return items + [Item("file at the service", "results.csv", f"of {tables}")] * bool(tables)


async def _remembered(found: Found, ctx: Context) -> list[Item]:
    """Of a whole model: what was remembered does not tell a version's apart."""
    if found.target.run_id:
        return []
    name = found.target.model
    hours = await FeedbackStore(ctx.clients.feedback, {}).conversations(name)
    if not hours:
        return []
    return [Item("remembered conversations", name, f"of {hours} hours, with their ratings")]


# ---- what stays


async def _datasets(found: Found, ctx: Context) -> tuple[Dropped, ...]:
    """All in a model's folder; of a run its own files, as they were, that no other run has."""
    name, container = found.target.model, ctx.clients.datasets
    if not found.target.run_id:
        inside = [blob async for blob in container.list(f"{name}/")]
        lone = await container.info(f"{name}.jsonl")
        every = [*inside, *([lone] if lone else [])]
        return tuple(Dropped(name=blob.name, etag=blob.etag) for blob in every)
    own = {(file.name, file.etag) for run in found.runs for file in run.files}
    others = await ctx.ledger.readable(await ctx.ledger.beginning_with(f"{name}-"), [])
    own -= {(f.name, f.etag) for run in others if run.id != found.target.run_id for f in run.files}
    there = [await container.info(file) for file, _ in sorted(own)]
    return tuple(Dropped(name=b.name, etag=b.etag) for b in there if b and b.version in own)


def _foreign(found: Found) -> list[Item]:
    items = [
        Item("deployment", there.name, f"this app has not made it; it keeps {there.model} in use")
        for there in found.foreign
    ]
    in_use = dict.fromkeys(there.model.partition(CHECKPOINT)[0] for there in found.foreign)
    return items + [Item("fine-tuned model", name, "it is deployed elsewhere") for name in in_use]


def _jobs(found: Found) -> list[Item]:
    ids = dict.fromkeys(
        job for run in found.runs for job in (*run.past_jobs, run.job_id) if job is not None
    )
    return [Item("job", job, "in the service's list of jobs; it costs nothing") for job in ids]


def _money(found: Found) -> list[Item]:
    note = "what was spent counts towards the app's ceilings as before"
    paid = any(run.job_id for run in found.runs)
    return [Item("spending", "reconciler/spending.json", note)] * paid


def _then(found: Found, ctx: Context) -> list[str]:
    said, target, model = [], found.target, found.model
    if not target.run_id:
        said.append(f"No chat with {target.model} is answered, from now on.")
    elif model and target.number and target.number == model.champion:
        back = model.champion_before
        serves = f"{model.name}@{back} answers in its place" if back else "nobody answers"
        awake = back is None or model.version(back).is_hosted
        when = "from now on" if awake else "once it is deployed again"
        said.append(f"{target.called} is the champion: {serves} {when}.")
    if any(run.job_id for run in found.runs):
        said.append("The same dataset dropped again is trained and paid for again.")
    named = {version.deployment for version in found.versions}
    if used := sorted(named & {name.partition("@")[0] for name in ctx.settings.chat_fallback}):
        said.append(f"TUNEDROP_CHAT_FALLBACK names {', '.join(used)}: take that out.")
    return said


async def _trains_on(found: Found, ctx: Context) -> list[str]:
    active = set(await ctx.ledger.active()) - {run.id for run in found.runs}
    others = await ctx.ledger.readable(active, [])
    on = [(run, run.spec.base_model) for run in others if run.spec.base_model in found.tuned]
    return [f"The run {run.id} trains on {model}, which goes: it may fail." for run, model in on]


def check_digest(plan: Plan, digest: str) -> None:
    """Raises NotNow unless the plan is the one that was confirmed."""
    if plan.digest != digest:
        raise NotNow(
            f"What there is of {plan.target.called} is not as in the plan with the digest "
            f"{shown(digest, 40)}. Nothing was deleted.",
            "Ask for the plan again, look at it, and confirm that.",
        )
