"""The app's ceilings, asked before anything of a run is sent: jobs and USD by day and month, USD
for the hosting of a model, which is asked for before its deployment as well. Knows what they are
asked with, not what they decide (`spending`).

    reconciler/spending.json   in the runs container, changed by compare-and-swap
"""

import json
from datetime import date
from math import isfinite

from shared.catalog import facts, lookup
from shared.dataset.measure.cost import exact_usd, usd_beside
from shared.errors import Unreadable
from shared.run import jobs, notify
from shared.run.context import Context
from shared.run.outcome import Outcome
from shared.run.record import Failure, Run
from shared.run.run_yaml import shown
from shared.run.spending import (
    CHANGE,
    ROUNDING,
    Held,
    Hosted,
    Reservation,
    Spending,
    as_of,
    held,
    too_many_deployments,
)
from shared.run.stages import Event
from shared.settings import Settings

NAME = "reconciler/spending.json"


async def reserve(run: Run, ctx: Context) -> Outcome | None:
    """Take the run's place under all ceilings; the outcome that holds it up, if there is none.

    May be called again at any time before the run's job exists: a place of an earlier day becomes
    one of today. Raises Unavailable.
    """
    if failure := _not_allowed(run, ctx.settings):
        return _failed(run, failure)
    wanted, hosted = _wanted(run, await estimate(run, ctx), ctx), await _hosted(run, ctx)
    if failure := _over_its_own_budget(run, wanted.usd):
        return _failed(run, failure)
    found: Held | None = None

    def take(known: Spending | None) -> Spending | None:
        nonlocal found
        spending = as_of(known, wanted.day)
        found = held(spending, wanted, hosted, ctx.settings)
        return spending.including(wanted) if found is None else known

    await ctx.clients.runs.update(NAME, Spending, take)
    if found is None:
        return None
    if found.failure:
        return _failed(run, found.failure)
    await notify.of_ceiling(run, found, ctx)
    return Outcome(run, waiting_for=found.waiting_for)


async def ask(run: Run, usd: float | None, ctx: Context) -> Held | None:
    """What would be said of a run that costs so much, by what is known now; no place is taken.
    Raises Unavailable."""
    failure = _not_allowed(run, ctx.settings) or _over_its_own_budget(run, usd)
    if failure:
        return Held(failure=failure)
    found = await ctx.clients.runs.record(NAME, Spending)
    wanted, hosted = _wanted(run, usd, ctx), await _hosted(run, ctx)
    return held(as_of(found[0] if found else None, wanted.day), wanted, hosted, ctx.settings)


async def reserve_hosting(run: Run, ctx: Context) -> Outcome | None:
    """The same for the deployment of a run that is trained: its place may be one that was given
    back at the end of an earlier attempt, and settings may have changed. Raises Unavailable."""
    if failure := _not_allowed(run, ctx.settings):
        return _failed(run, failure)
    failure = await _take_hosting(run, run.attempt, ctx)
    return _failed(run, failure) if failure else None


async def reserve_change(run: Run, ctx: Context) -> Failure | None:
    """The same for what serves and is to be deployed as the run asks for now; why it may not be.
    The place is its own until `give_back_change`. Raises Unavailable.

    Asked twice: a change that others made between the first look at the registry and the place
    taken is known to the second.
    """
    if failure := _not_allowed(run, ctx.settings):
        return failure
    if not _bounds_hosting(ctx.settings):
        return None
    if failure := await _take_hosting(run, CHANGE, ctx):
        return failure
    if failure := await _take_hosting(run, CHANGE, ctx):
        await give_back_change(run, ctx)
    return failure


async def give_back_change(run: Run, ctx: Context) -> None:
    """It is refused, or the registry has it."""
    if not _bounds_hosting(ctx.settings):
        return

    def end(known: Spending | None) -> Spending | None:
        return known and known.without(run.id, CHANGE)

    await ctx.clients.runs.update(NAME, Spending, end)


def _bounds_hosting(settings: Settings) -> bool:
    return bool(settings.hosting_budget or settings.monthly_hosting_ceiling)


async def _take_hosting(run: Run, attempt: int, ctx: Context) -> Failure | None:
    hosted = await _hosted(run, ctx)
    failure = None

    def take(known: Spending | None) -> Spending | None:
        nonlocal failure
        spending = as_of(known, _today(ctx))
        reserved = spending.of(run.id, attempt) or _of_hosting(run, attempt, ctx)
        wanted = reserved.replace(open=True, hosting=_hosting(run, ctx))
        failure = too_many_deployments(spending, wanted, hosted, ctx.settings)
        return spending.including(wanted) if failure is None else known

    await ctx.clients.runs.update(NAME, Spending, take)
    return failure


async def ahead(run_id: str, ctx: Context) -> list[str]:
    """The other runs that have their place, of which a deployment may still come: those that took
    it before this one, or that are trained already. Raises Unavailable."""
    try:
        found = await ctx.clients.runs.record(NAME, Spending)
    except Unreadable:  # `reserve`, which comes before anything is sent, tells it
        return []
    return found[0].ahead_of(run_id) if found else []


async def settle(run: Run, ctx: Context) -> None:
    """At the end of a run: give its place back if no job came of it, or note what was billed.

    What a job without a result has cost is not known; what was reserved for it stays.
    """
    billed = None if run.job_id is None else jobs.cost(run, ctx)

    def close(known: Spending | None) -> Spending | None:
        return known and known.ended(run.id, run.attempt, billed)

    await ctx.clients.runs.update(NAME, Spending, close)


def _failed(run: Run, failure: Failure) -> Outcome:
    trained = "It is trained; its deployment was not asked for."
    said = trained if run.fine_tuned_model else "Nothing was sent."
    failure = failure.replace(message=f"{failure.message} {said}")
    return Outcome(run.replace(failure=failure), Event.FAILED)


def _not_allowed(run: Run, settings: Settings) -> Failure | None:
    """A deployment that nobody may ask for any more: the run is older than the limit."""
    asked, most = run.spec.deployment, settings.largest_capacity
    if asked.sku.lower() in facts.SKUS.values and asked.capacity <= most:
        return None
    known = dict.fromkeys(facts.SKUS.values.values())
    sku = asked.sku if asked.sku.lower() in facts.SKUS.values else next(iter(known))
    command = f"tunedrop deploy {run.id} --sku {sku} --capacity {min(asked.capacity, most)}"
    move = (
        f"`{command}`" if run.fine_tuned_model else "Another run.yaml, dropped with the same files,"
    )
    return Failure(
        message=f"A deployment {shown(asked.sku)} with a capacity of {shown(asked.capacity, 20)} "
        f"is not allowed: at most {most}, of {', '.join(known)}.",
        fix=f"{move} asks for what is allowed; whoever runs the app can raise "
        "TUNEDROP_MAX_CAPACITY.",
        blame="caller",
    )


def _over_its_own_budget(run: Run, costs: float | None) -> Failure | None:
    """Its check has asked the same, but a later drop of the same files may have lowered it."""
    budget = run.spec.budget
    unknown = costs is None and run.spec.unknown_price == "refuse"
    if budget is None or (not unknown and (costs or 0.0) <= budget + ROUNDING):
        return None
    price = "has no known price"
    if costs is not None:
        price = f"costs {usd_beside(budget, costs)} at list price"
    return Failure(
        message=f"This training {price}; the budget of the run is {exact_usd(budget)}.",
        fix="Drop the same files with a larger budget in run.yaml.",
        blame="caller",
    )


def _wanted(run: Run, usd: float | None, ctx: Context) -> Reservation:
    return Reservation(
        run_id=run.id,
        attempt=run.attempt,
        model=run.model,
        day=_today(ctx),
        usd=usd,
        hosting=_hosting(run, ctx),
    )


async def estimate(run: Run, ctx: Context) -> float | None:
    """USD by the run's report; None where it knows no price."""
    report = await ctx.ledger.document(run.id, "report.json")
    try:
        training = json.loads(report or b"{}", parse_int=float)["price"]["training"]
    except (ValueError, LookupError, TypeError):
        return None
    known = isinstance(training, float) and isfinite(training) and training >= 0
    return training if known else None


async def _hosted(run: Run, ctx: Context) -> Hosted:
    """What the deployments of the model's other versions cost; only where a ceiling asks for it.

    A version whose deployment was not made yet is not among them: its run's reservation counts.
    """
    if not ctx.settings.hosting_budget:
        return Hosted()
    model = await ctx.registry.load(run.model)
    if model is None:
        return Hosted()
    by_run: dict[str, float | None] = {}
    for version in model.versions:
        if version.run_id == run.id:
            continue
        price = lookup.hosting_per_month(version.base_model, version.sku, ctx.region)
        # Azure deletes deployments that nobody uses, and so do people; the champion's comes back.
        stays = version.version == model.champion
        costs = price is None or price > 0
        if costs and (stays or await ctx.clients.deployments.get(version.deployment)):
            by_run[version.run_id] = price
    return Hosted(by_run)


def _of_hosting(run: Run, attempt: int, ctx: Context) -> Reservation:
    """What is left to be paid of a run whose job an earlier attempt has paid for."""
    return Reservation(
        run_id=run.id,
        attempt=attempt,
        model=run.model,
        day=_today(ctx),
        usd=0.0,
        hosting=_hosting(run, ctx),
        job=False,
    )


def _hosting(run: Run, ctx: Context) -> float | None:
    """USD a month for its deployment; None where that is not known."""
    return lookup.hosting_per_month(run.spec.base_model, run.spec.deployment.sku, ctx.region)


def _today(ctx: Context) -> date:
    return ctx.now().date()
