"""The management routes' bodies: what people and the console may ask about and of runs and models.

Reads the ledger and the registry, passes orders on; decides nothing about runs.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from shared.chat.memory import Memory
from shared.cloud import Cloud
from shared.errors import CallerError, NotFound, NotNow, SettingError, TunedropError
from shared.model.registry import Registry
from shared.run import jobs, keeper, orders, outlook
from shared.run.ledger import Ledger
from shared.run.record import Run, What, now, summary
from shared.run.stages import ACTIVE, Stage

CONSOLE = Path(__file__).parent.parent / "console"
# A report quotes what strangers wrote; should the quoting ever fail, the browser runs nothing.
SAFE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}
MOST_RUNS = 200  # of one page
MOST_READ = 1000  # records that are read to fill it
MOST_SAID = 1000  # characters of who and why
_STATUS = {NotFound: 404, NotNow: 409, SettingError: 503}
PLACE = re.compile(r"\d{10}-[a-z0-9-]+")  # in the list of runs, as `next` gives it
DOCUMENTS = {
    "report.html": "text/html; charset=utf-8",
    "report.json": "application/json",
    "events.jsonl": "application/x-ndjson",
    "metrics.csv": "text/csv",
    "curve.json": "application/json",
}


P = ParamSpec("P")


def told(body: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
    """What goes wrong becomes an answer that says whose it is to mend, and how."""

    @wraps(body)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return await body(*args, **kwargs)
        except CallerError as error:
            return problem(error, _STATUS.get(type(error), 400))
        except TunedropError as error:
            return problem(error, 503)

    return answer


@told
async def runs(request: Request, cloud: Cloud) -> Response:
    """The youngest runs first: `?model=`, `?stage=` (several with commas), `?limit=` (at most 200),
    and `?after=` with what the page before gave as `next`.

    A page looks at no more than MOST_READ runs: where few are of the stage, it may hold fewer than
    `limit`, and still have a `next`.
    """
    query = request.query_params
    limit = _limit(query.get("limit", "50"))
    stages = _stages(query.get("stage", ""))
    after = query.get("after", "")
    if after and not PLACE.fullmatch(after):
        raise CallerError(f"{after[:80]!r} is no place in the list.", "Take `next` of a page.")
    ledger = Ledger(cloud.runs)
    # What is active is known without reading what has finished.
    among = {run_id for run_id, _ in await ledger.active()} if stages <= ACTIVE else None
    found: list[Run] = []
    read, place = 0, None
    async for at, run in ledger.newest(query.get("model"), after, among):
        if len(found) == limit or read == MOST_READ:
            return _page(found, place)
        read, place = read + 1, at
        if run.stage in stages:
            found.append(run)
    return _page(found, None)


def _limit(asked: str) -> int:
    """Raises CallerError."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", asked):
        raise CallerError(f"{asked!r} is not a number of runs.", f"limit is 1 to {MOST_RUNS}.")
    return min(int(asked), MOST_RUNS)


def _stages(asked: str) -> set[str]:
    """The stages that a list is asked for; all of them where it is not. Raises CallerError."""
    stages = set(filter(None, asked.split(",")))
    if unknown := stages - set(Stage):
        raise CallerError(f"{min(unknown)!r} is not a stage.", f"Known: {', '.join(Stage)}.")
    return stages or set(Stage)


def _page(found: list[Run], place: str | None) -> Response:
    return JSONResponse({"runs": [summary(run) for run in found], "next": place})


@told
async def run(request: Request, cloud: Cloud) -> Response:
    """One run with all that is known of it, what lies ahead of it, and what its losses say."""
    run_id = request.path_params["id"]
    ledger = Ledger(cloud.runs)
    found = await ledger.load(run_id)
    if found is None:
        raise NotFound(f"There is no run {run_id!r}.", "GET /api/runs lists them.")
    curve = await ledger.document(run_id, jobs.CURVE)
    steps = json.loads(curve or b"[]")
    losses = [step["train_loss"] for step in steps if step["train_loss"] is not None]
    return JSONResponse(
        {
            **found.model_dump(mode="json"),
            **outlook.as_json(found, now()),
            "signals": outlook.signals(found.epochs, losses),
            "curve": steps,
        }
    )


@told
async def order(request: Request, cloud: Cloud) -> Response:
    """start, cancel, pause, resume or retry a run; an optional body {"who": …, "why": …} goes into
    its log. 202 with the run: the order is carried out now or by the next tick."""
    run_id, what = request.path_params["id"], request.path_params["name"]
    if what not in orders.BY_PEOPLE:
        raise NotFound(f"{what!r} is not an order.", f"Orders are: {', '.join(orders.BY_PEOPLE)}.")
    who, why = await _who_and_why(request, cloud)
    await orders.give(run_id, What(what), who, why, cloud)
    await keeper.obey(run_id, cloud)
    found = await Ledger(cloud.runs).load(run_id)
    return JSONResponse(found.model_dump(mode="json") if found else {}, 202)


async def _who_and_why(request: Request, cloud: Cloud) -> tuple[str, str]:
    """Who gives an order: the signed-in person where the platform vouches for one, otherwise
    whoever the holder of the app's key says to be. Raises CallerError for a body that is no use."""
    body = await request.body()
    try:
        said = json.loads(body) if body.strip() else {}
        who, why = (said.get(name, "").strip() for name in ("who", "why"))
    except (ValueError, AttributeError, RecursionError):
        raise CallerError(
            "The body is not a JSON object with who and why as texts.",
            'Send {"who": "…", "why": "…"}, or nothing.',
        ) from None
    if len(who) > MOST_SAID or len(why) > MOST_SAID:
        raise CallerError(f"who and why have at most {MOST_SAID} characters.", "Say it in short.")
    person = (
        request.headers.get("x-ms-client-principal-name") if cloud.settings.entra_tenant else ""
    )
    if person:
        return person, why
    return f"{who} (with the app's key)" if who else "a holder of the app's key", why


@told
async def document(request: Request, cloud: Cloud) -> Response:
    """A document beside a run: its reports, its log, its losses."""
    run_id, name = request.path_params["id"], request.path_params["name"]
    if name in orders.BY_PEOPLE:
        raise NotFound(f"{name} is an order.", f"POST /api/runs/{run_id}/{name} gives it.")
    data = await Ledger(cloud.runs).document(run_id, name) if name in DOCUMENTS else None
    if data is None and await Ledger(cloud.runs).load(run_id) is None:
        raise NotFound(f"There is no run {run_id!r}.", "GET /api/runs lists them.")
    if data is None:
        known = ", ".join(DOCUMENTS)
        raise NotFound(f"{run_id} has no {name!r}.", f"A run may have: {known}.")
    return Response(data, media_type=DOCUMENTS[name], headers=SAFE)


@told
async def models(cloud: Cloud) -> Response:
    """Every model with its versions and its champion."""
    found = await Registry(cloud.models).all()
    return JSONResponse({"models": [model.model_dump(mode="json") for model in found]})


@told
async def examples(request: Request, memory: Memory) -> Response:
    """A model's good and corrected answers as a dataset to drop; with `?provenance=1` instead
    where each of its lines comes from, in the same order."""
    pairs = await memory.export(request.path_params["name"])
    wanted = 1 if request.query_params.get("provenance") else 0
    lines = [json.dumps(pair[wanted], ensure_ascii=False) + "\n" for pair in pairs]
    return Response("".join(lines), media_type="application/x-ndjson")


@told
async def health(request: Request, cloud: Callable[[], Cloud]) -> Response:
    """Whether the app can reach its storage; 503 says what is in the way, also in its settings.

    What `?deep=1` asks for is not for everybody: it is sent on to `doctor`, which wants a key.
    """
    if request.query_params.get("deep"):
        return RedirectResponse(f"doctor?{request.url.query}")
    await cloud().runs.read("health")
    return JSONResponse({"status": "ok"})


async def doctor(environ: Mapping[str, str]) -> Response:
    """All checks, each with its fix; 503 if there is a problem."""
    from shared.doctor import as_json, run_checks  # nobody else should wait for its imports

    body = as_json(await run_checks(environ))
    return JSONResponse(body, 200 if body["healthy"] else 503)


def console(name: str = "index.html") -> Response:
    """A file of the console's; the names are the whole list of what may be asked for."""
    if name not in {"index.html", "console.js", "openapi.json"}:
        return problem(NotFound(f"The console has no {name!r}."), 404)
    return FileResponse(CONSOLE / name, headers={"cache-control": "no-cache"})


def problem(error: TunedropError, status: int) -> Response:
    body = {"message": error.message, "fix": error.fix, "blame": error.blame}
    return JSONResponse({"error": body}, status)
