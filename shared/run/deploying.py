"""How a trained model is deployed may be asked for anew: another SKU or capacity, no other job.

What serves is changed in place, and left as it is where Azure refuses. A deployment lives in the
region of its account: another region is another account. Knows what may be asked and how one that
serves is changed, not how a run comes to be deployed (`steps`) or who asks (`commands`).
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from shared.errors import CallerError, NotNow, Refused
from shared.model import deployment
from shared.model.redeploy import RedeployRequests, request_for
from shared.model.registry import Version
from shared.run import ceilings, failures
from shared.run.context import Context
from shared.run.record import Run
from shared.run.run_yaml import shown
from shared.run.spec import LONGEST_KEY, AskedDeployment, DeploymentSpec
from shared.run.stages import Stage
from shared.settings import Settings

KEYS = ("sku", "capacity", "who", "why")  # of the body of a request
NOTHING = AskedDeployment()  # as it is, once more


def asked_for(values: Mapping[str, Any]) -> AskedDeployment:
    """What a request names, of sku and capacity. Raises CallerError."""
    for key in values:
        if key not in KEYS:
            near = get_close_matches(key[:LONGEST_KEY], KEYS, n=1)
            meant = f"; did you mean {near[0]}" if near else ""
            raise CallerError(
                f"{shown(key, 40)} is not a key of deploy{meant}.", f"Keys are {', '.join(KEYS)}."
            )
    named = {key: values.get(key) for key in ("sku", "capacity")}
    try:
        return AskedDeployment.model_validate(named)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        raise CallerError(
            f"{first['loc'][0]} is {shown(first['input'], 40)}: {said}.",
            "sku is the name of a deployment SKU, capacity thousands of tokens per minute.",
        ) from None


def wanted(run: Run, asked: AskedDeployment, settings: Settings) -> DeploymentSpec:
    """The deployment that is asked for; what is not named stays as it is. Raises CallerError for
    more than the app allows."""
    known, most = run.spec.deployment, settings.largest_capacity
    capacity = asked.capacity or known.capacity
    if capacity > most:
        raise CallerError(
            f"The capacity is {shown(capacity, 20)}; at most {most} (thousands of tokens per "
            "minute) are allowed.",
            "Ask for less, or ask whoever runs the app to raise TUNEDROP_MAX_CAPACITY.",
        )
    return DeploymentSpec(sku=asked.sku or known.sku, capacity=capacity)


async def change_serving(run: Run, ctx: Context) -> None:
    """The deployment of a run that serves or is held becomes what the run asks for now; one that
    is gone is made anew. Raises NotNow where that may not be, or Azure refuses it: one that is gone
    is then made anew as it was, for the registry keeps what has served."""
    version, request = await kept(run, ctx)
    if failure := await ceilings.reserve_change(run, ctx):
        raise NotNow(
            f"{_unchanged(run)} {failure.message}",
            "Take the SKU DeveloperTier, which costs nothing by the hour, or ask whoever runs the "
            "app to raise its ceiling.",
        )
    asked, at = run.spec.deployment, ctx.now()
    changed = version.replace(sku=asked.sku, capacity=asked.capacity)
    try:
        there = await deployment.change(ctx.clients.deployments, changed)
    except Refused as error:
        await ceilings.give_back_change(run, ctx)
        failure = failures.of_error(error, run)
        said = await _as_before(run, version, request, ctx)
        raise NotNow(f"{said} {failure.message}", failure.fix) from None
    await ctx.registry.set_deployment(run.model, changed, at)
    await ceilings.give_back_change(run, ctx)
    if not there:
        await RedeployRequests(ctx.clients.models, ctx.now).add_at_once(request)


async def _as_before(run: Run, version: Version, request: str, ctx: Context) -> str:
    if await ctx.clients.deployments.get(version.deployment):
        return _unchanged(run)
    await RedeployRequests(ctx.clients.models, ctx.now).add_at_once(request)
    return f"Its deployment is gone and is made anew as it was ({version.sku})."


def _unchanged(run: Run) -> str:
    return f"It {'serves' if run.stage is Stage.SERVING else 'is deployed'} as before."


async def kept(run: Run, ctx: Context) -> tuple[Version, str]:
    """The run's version, and the request that makes its deployment: a person may have any. Raises
    NotNow."""
    model = await ctx.registry.load(run.model)
    version = model.of_run(run.id) if model else None
    if model is None or version is None or version.withdrawn:
        raise NotNow(
            f"{run.model} has no version of the run {run.id} any more.",
            f"`tunedrop models {run.model}` lists those that there are.",
        )
    named = f"{model.name}@{version.version}"
    return version, request_for(model, version.version) or named
