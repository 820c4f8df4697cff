"""The management routes' bodies: what people and the console may ask about runs and models.

Reads the ledger and the registry; knows nothing of HTTP beyond the response it hands back.
"""

import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from shared.chat.memory import Memory
from shared.cloud import Cloud
from shared.errors import NotFound, TunedropError
from shared.model.registry import Registry
from shared.run.ledger import Ledger, summary

CONSOLE = Path(__file__).parent.parent / "console"
DOCUMENTS = {
    "report.html": "text/html; charset=utf-8",
    "report.json": "application/json",
    "events.jsonl": "application/x-ndjson",
    "metrics.csv": "text/csv",
}


async def runs(request: Request, cloud: Cloud) -> Response:
    """The youngest runs first; `?model=` and `?limit=` (at most 200)."""
    asked = request.query_params.get("limit", "50")
    limit = min(int(asked), 200) if asked.isdigit() else 50
    found = await Ledger(cloud.runs).newest(request.query_params.get("model"), limit)
    return JSONResponse({"runs": [summary(run) for run in found]})


async def run(request: Request, cloud: Cloud) -> Response:
    """One run with all that is known of it."""
    run_id = request.path_params["id"]
    found = await Ledger(cloud.runs).load(run_id)
    if found is None:
        return problem(NotFound(f"There is no run {run_id!r}.", "GET /api/runs lists them."), 404)
    return JSONResponse(found.model_dump(mode="json"))


async def document(request: Request, cloud: Cloud) -> Response:
    """A document beside a run: report.html, report.json, events.jsonl, metrics.csv."""
    run_id, name = request.path_params["id"], request.path_params["name"]
    data = await Ledger(cloud.runs).document(run_id, name) if name in DOCUMENTS else None
    if data is None:
        known = ", ".join(DOCUMENTS)
        return problem(NotFound(f"{run_id} has no {name!r}.", f"A run may have: {known}."), 404)
    return Response(data, media_type=DOCUMENTS[name])


async def models(cloud: Cloud) -> Response:
    """Every model with its versions and its champion."""
    found = await Registry(cloud.models).all()
    return JSONResponse({"models": [model.model_dump(mode="json") for model in found]})


async def examples(request: Request, memory: Memory) -> Response:
    """A model's good and corrected answers as a dataset to drop; with `?provenance=1` instead
    where each of its lines comes from, in the same order."""
    pairs = await memory.export(request.path_params["name"])
    wanted = 1 if request.query_params.get("provenance") else 0
    lines = [json.dumps(pair[wanted], ensure_ascii=False) + "\n" for pair in pairs]
    return Response("".join(lines), media_type="application/x-ndjson")


async def health(cloud: Cloud) -> Response:
    """Whether the app can reach its storage; 503 says what is in the way."""
    try:
        await cloud.runs.read("health")
    except TunedropError as error:
        return problem(error, 503)
    return JSONResponse({"status": "ok"})


def console(name: str = "index.html") -> Response:
    """A file of the console's; the names are the whole list of what may be asked for."""
    if name not in {"index.html", "console.js", "openapi.json"}:
        return problem(NotFound(f"The console has no {name!r}."), 404)
    return FileResponse(CONSOLE / name, headers={"cache-control": "no-cache"})


def problem(error: TunedropError, status: int) -> Response:
    body = {"message": error.what, "cure": error.cure, "blame": error.blame}
    return JSONResponse({"error": body}, status)
