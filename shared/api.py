"""The management routes' bodies: what people and the console may ask about and of runs, about plans
and the app itself.

Reads the ledger, passes commands on; decides nothing about runs.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    RedirectResponse,
    Response,
)

from shared import commanding
from shared.answering import error_responses, told
from shared.chat.protocol import read_body
from shared.errors import (
    CallerError,
    Newer,
    NotFound,
    TunedropError,
    Unreadable,
)
from shared.kept import kept
from shared.model.registry import Model
from shared.model.standing import standing
from shared.printable import shown
from shared.run import (
    commands,
    deploying,
    estimates,
    heartbeat,
    notices,
    planning,
    reconciler,
    run_yaml,
    timer,
    transcript,
)
from shared.run.context import Context
from shared.run.newest import CURSOR
from shared.run.plan import plan as plan_of
from shared.run.record import Action, Run, summary
from shared.run.refusals import Page as Refused
from shared.run.refusals import Refusals
from shared.run.results import Point
from shared.run.spec import effective
from shared.run.stages import ACTIVE, Stage

# A report quotes what strangers wrote; should the quoting ever fail, the browser runs nothing.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}
MAX_RUNS = 200  # of one page
MAX_READ = 1000  # records that are read to fill it
DOCUMENTS = {
    "report.html": "text/html; charset=utf-8",
    "report.json": "application/json",
    "events.jsonl": "application/x-ndjson",
    "metrics.csv": "text/csv",
    "curve.json": "application/json",
    "verdict.json": "application/json",
    planning.NAME: "application/json",
    transcript.NAME: "application/x-ndjson",
}


@error_responses
@kept
async def runs(request: Request, ctx: Context) -> Response:
    """The newest runs first: `?model=`, `?stage=` (several with commas), `?limit=` (at most 200),
    and `?after=` with what the page before gave as `next`.

    A page looks at no more than MAX_READ runs: where few are of the stage, it may hold fewer than
    `limit`, and still have a `next`. The first page has the drops that were not taken as well,
    where no stage is asked for: they have none.
    """
    query = request.query_params
    limit = _limit(query.get("limit", "50"))
    stages = _stages(query.get("stage", ""))
    after = query.get("after", "")
    if after and not CURSOR.fullmatch(after):
        raise CallerError(
            f"{shown(after)!r} is not a cursor of the list.", "Take `next` of a page."
        )
    ledger = ctx.ledger
    # What is active is known without reading what has finished.
    among = set(await ledger.active()) if stages <= ACTIVE else None
    problems: list[TunedropError] = []
    refused = None
    if not (after or query.get("stage")):
        refused = await Refusals(ledger.runs).newest(query.get("model"), problems)
    newest = ledger.newest(query.get("model"), after, among, problems)
    found, cursor = await _some_of(newest, stages, limit)
    standings = await _standings(found, ctx)
    listed = [
        summary(run) | {"standing": standings[run.id], **estimates.ahead(run, ctx.now())}
        for run in found
    ]
    page: dict[str, Any] = {"runs": listed, "next": cursor}
    page |= {"refused": _refused(refused), "problems": list(map(told, problems))}
    return JSONResponse(page)


async def _standings(runs: list[Run], ctx: Context) -> dict[str, dict[str, object] | None]:
    """What each run's version is in its model by now; null for a run without one, or where the
    model's record cannot be read."""
    models: dict[str, Model | None] = {}
    for name in {run.model for run in runs if run.version}:
        with suppress(Unreadable):  # the list of models says so
            models[name] = await ctx.registry.load(name)
    found = {run.id: standing(models.get(run.model), run.id) for run in runs}
    return {run_id: stands.as_json() if stands else None for run_id, stands in found.items()}


async def _some_of(
    newest: AsyncIterator[tuple[str, Run]], stages: set[str], limit: int
) -> tuple[list[Run], str | None]:
    """The first runs in these stages, and where the next page begins."""
    found: list[Run] = []
    read, cursor = 0, None
    async for at, run in newest:
        if len(found) == limit or read == MAX_READ:
            return found, cursor
        read, cursor = read + 1, at
        if run.stage in stages:
            found.append(run)
    return found, None


def _refused(page: Refused | None) -> dict[str, object] | None:
    if page is None:
        return None
    return {"drops": [refusal.as_json() for refusal in page.refusals], "count": page.count}


def _limit(asked: str) -> int:
    """Raises CallerError."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", asked):
        raise CallerError(
            f"{shown(asked)!r} is not a number of runs.", f"limit is 1 to {MAX_RUNS}."
        )
    return min(int(asked), MAX_RUNS)


def _stages(asked: str) -> set[str]:
    """The stages that a list is asked for; all of them where it is not. Raises CallerError."""
    stages = set(filter(None, asked.split(",")))
    if unknown := stages - set(Stage):
        raise CallerError(f"{shown(min(unknown))!r} is not a stage.", f"Known: {', '.join(Stage)}.")
    return stages or set(Stage)


@error_responses
async def run(request: Request, ctx: Context) -> Response:
    """One run with all that is known of it, what lies ahead of it, and what its losses say."""
    ledger = ctx.ledger
    run_id = await ledger.resolve(request.path_params["id"])
    found = await ledger.look(run_id)
    if found is None:
        raise NotFound(f"There is no run {run_id!r}.", "`tunedrop runs` lists them.")
    problems: list[TunedropError] = []
    curve: list[Point] = []
    try:
        found.must_be_known(f"{ledger.runs.name}/{run_id}/run.json")
    except Newer as error:
        problems.append(error)
    try:
        curve = await ledger.curve(run_id)
    except Unreadable as error:
        problems.append(error)
    said = await planning.kept(run_id, ctx)
    losses = [point.train_loss for point in curve if point.train_loss is not None]
    return JSONResponse(
        {
            **found.model_dump(mode="json"),
            **estimates.as_json(found, ctx.now()),
            "standing": (await _standings([found], ctx))[run_id],
            "takes": commands.taken_by(found),
            "plan": said,
            "notices": notices.notices(found, ctx.region),
            "bill": estimates.bill(found, (said or {}).get("region") or ctx.region),
            "signals": estimates.signals(found.epochs, losses),
            "curve": [point.model_dump() for point in curve],
            "problems": list(map(told, problems)),
        }
    )


@error_responses
async def command(request: Request, ctx: Context) -> Response:
    """start, cancel, pause, resume, retry or deploy a run; an optional body {"who": …, "why": …}
    goes into its log, and has "sku" and "capacity" for `deploy`. 202 with the run: the command is
    carried out now or by the next tick."""
    action = request.path_params["name"]
    if action not in commands.BY_PEOPLE:
        known = ", ".join(commands.BY_PEOPLE)
        raise NotFound(f"{shown(action)!r} is not a command.", f"Commands are: {known}.")
    run_id = await ctx.ledger.resolve(request.path_params["id"])
    given = await commanding.body(request)
    who, why = commanding.who_and_why(given, request, ctx.settings)
    asked = deploying.asked_for(given) if action == Action.DEPLOY else deploying.NOTHING
    await commands.give(run_id, Action(action), who, why, ctx, asked)
    await reconciler.execute_now(run_id, ctx)
    found = await ctx.ledger.load(run_id)
    return JSONResponse(found.model_dump(mode="json") if found else {}, 202)


@error_responses
async def document(request: Request, ctx: Context) -> Response:
    """A document beside a run: its reports, its log, its losses."""
    asked, name = request.path_params["id"], request.path_params["name"]
    if name in commands.BY_PEOPLE:
        fix = f"`tunedrop {name} {shown(asked)}` gives it, or a POST to this address."
        raise NotFound(f"{name} is a command.", fix)
    run_id = await ctx.ledger.resolve(asked)
    data = await ctx.ledger.document(run_id, name) if name in DOCUMENTS else None
    if data is None:
        known = ", ".join(DOCUMENTS)
        raise NotFound(f"{run_id} has no {shown(name)!r}.", f"A run may have: {known}.")
    return Response(data, media_type=DOCUMENTS[name], headers=SECURITY_HEADERS)


@error_responses
async def plan(request: Request, ctx: Context) -> Response:
    """What the account says to a run of this run.yaml, the request's body; nothing is sent or kept.
    An empty body asks for the app's defaults. `?examples=` and `?bytes=` are of the validation
    set."""
    body = await read_body(request, run_yaml.LARGEST)
    asked = effective(body or None, ctx.settings)
    examples, size = (_count(request.query_params.get(name)) for name in ("examples", "bytes"))
    held = planning.held(ctx.settings, examples, size)
    offers = await ctx.clients.account.offers()
    return JSONResponse(plan_of(asked, offers, ctx.now(), held=held).as_json())


def _count(asked: str | None) -> int | None:
    """Raises CallerError."""
    if asked is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", asked):
        raise CallerError(f"{shown(asked)!r} is not a number.", "Give a whole number, or none.")
    return int(asked)


@error_responses
async def health(request: Request, context: Callable[[], Context]) -> Response:
    """Whether the app can reach its storage, and whether its timer ticks; 503 says what is in the
    way, also in its settings. A timer that is dead is no 503: calls do its work.

    What `?deep=1` asks for is not for everybody: it is sent on to `doctor`, which wants a key.
    """
    if request.query_params.get("deep"):
        return RedirectResponse(f"doctor?{request.url.query}")
    ctx = context()
    heart = await heartbeat.latest(ctx.clients.runs)
    return JSONResponse(timer.health(heart, ctx.settings.tick, ctx.now()))


@kept
async def health_seen(request: Request, ctx: Context) -> Response:
    """The same for a page that asks again and again."""
    return await health(request, lambda: ctx)


async def doctor(environ: Mapping[str, str]) -> Response:
    """All checks, each with its fix; 503 if there is a problem."""
    from shared.doctor import as_json, run_checks  # nobody else should wait for its imports

    body = as_json(await run_checks(environ))
    return JSONResponse(body, 200 if body["healthy"] else 503)
