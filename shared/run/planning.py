"""A run's plan, made when its dataset is checked, again right before anything of it is sent and
right before its job is paid for: no more questions to the account than its answers are old.

    <run>/plan.json   what the account said last
"""

import json
from dataclasses import replace
from typing import Any

from shared.cloud.offers import Offers
from shared.errors import ServiceError
from shared.model.hosting import what_to_put_to_sleep
from shared.model.registry import Version
from shared.run import ceilings, sleeping
from shared.run.answers import Upload
from shared.run.comparable import Held
from shared.run.context import Context
from shared.run.outcome import Outcome
from shared.run.plan import Plan, plan
from shared.run.record import Run, Share
from shared.run.spec import DeploymentSpec, Spec
from shared.run.stages import DEPLOYED, ENDS, Event
from shared.settings import Settings

NAME = "plan.json"
JUST_NOW = 5.0  # seconds: an answer that ends a run is not older


async def make(run: Run, ctx: Context, *max_age: float) -> Plan:
    """The plan of the run, kept beside it. Raises Unavailable where that cannot be written."""
    made = await ask(run, ctx, *max_age)
    told = made.as_json()
    if _answers(await kept(run.id, ctx)) != _answers(told):
        body = json.dumps(told, indent=2, ensure_ascii=False).encode()
        await ctx.ledger.keep(run.id, NAME, body, "application/json")
    return made


async def ask(run: Run, ctx: Context, *max_age: float) -> Plan:
    """The same, and nothing is kept: also of what is no run yet."""
    made = await _of(run, ctx, *max_age)
    return await _of(run, ctx, JUST_NOW) if made.refusals else made


async def before_sending(run: Run, ctx: Context) -> Outcome | None:
    """What the account says to a run of which files are still to be sent; the outcome that ends it
    or holds it up, if there is one."""
    if not _to_send(run).files:
        return None
    return _held(run, await make(run, ctx), "Nothing was sent.")


async def before_paying(run: Run, ctx: Context) -> Outcome | None:
    """The same right before its job, which may be days later: the queue was full."""
    return _held(run, await make(run, ctx, JUST_NOW), "No job was created.")


def _held(run: Run, made: Plan, done: str) -> Outcome | None:
    if made.refusals:
        return Outcome(run.replace(failure=made.failure(run.id, done)), Event.FAILED)
    return Outcome(run).waits(made.waiting_for) if made.waits else None


async def kept(run_id: str, ctx: Context) -> dict[str, Any] | None:
    """What plan.json holds; None where there is none, or nothing readable."""
    document = await ctx.ledger.document(run_id, NAME)
    try:
        found = json.loads(document or b"")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


async def _of(run: Run, ctx: Context, *max_age: float) -> Plan:
    ahead = await ceilings.ahead(run.id, ctx)  # first: who has its deployment meanwhile is in both
    offers = await ctx.clients.account.offers(*max_age)
    coming = await _without_deployment(ahead, offers, ctx)
    asked = run.spec, offers, ctx.now(), _to_send(run), coming, _held_out(run, ctx)
    made = plan(*asked)
    if {answer.id for answer in (*made.refusals, *made.waits)}.isdisjoint(("slot", "quota")):
        return made
    return plan(*asked, await _spare(run, ctx))


async def _spare(run: Run, ctx: Context) -> tuple[Spec, ...]:
    """What the app's own versions have deployed that would be put to sleep where room is needed."""
    try:
        models, at = await sleeping.survey(ctx)
    except ServiceError:
        return ()
    at = replace(at, busy={*at.busy, run.id})
    return tuple(_as_spec(one.version, run) for one in what_to_put_to_sleep(models, at))


def _as_spec(version: Version, run: Run) -> Spec:
    deployment = DeploymentSpec(sku=version.sku, capacity=version.capacity)
    asked = {"base_model": version.base_model, "deployment": deployment}
    return run.spec.model_copy(update=asked)


def _held_out(run: Run, ctx: Context) -> Held:
    """Both files of a lone dataset lie in one blob: the validation's share of it is a guess."""
    known = held(ctx.settings)
    validation, training = run.validation, run.training
    if validation is None:
        return replace(known, examples=0)
    if validation.examples is None:
        return known
    size = validation.size
    if validation.share is not Share.ALL:
        size = size * validation.examples // max(validation.examples + (training.examples or 0), 1)
    return replace(known, examples=validation.examples, size=size)


def held(settings: Settings, examples: int | None = None, size: int | None = None) -> Held:
    most, named = settings.compare_examples, settings.base_deployments
    return Held(examples, size, most, named, settings.judge_deployment)


async def _without_deployment(run_ids: list[str], offers: Offers, ctx: Context) -> tuple[Spec, ...]:
    """What those of these runs ask for whose deployment is not there yet, and may still come."""
    there = {deployment.name for deployment in offers.deployments.value or ()}
    runs = await ctx.ledger.readable(run_ids, [])
    gone = ENDS - DEPLOYED
    return tuple(r.spec for r in runs if r.stage not in gone and r.deployment not in there)


def _to_send(run: Run) -> Upload:
    """Both files of a lone dataset lie in one blob: its size is theirs together."""
    left = [file for file in run.files if file.file_id is None]
    return Upload(len(left), sum({file.name: file.size for file in left}.values()))


def _answers(told: dict[str, Any] | None) -> Any:
    return told and told.get("answers")
