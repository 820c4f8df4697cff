"""The body of GET /trace/{id}: from a chat to the version that answered it, and what that is of.

Reads the trace, the registry and the ledger; what cannot be found of it any more is said and hides
nothing else. Nothing of what was said in the chat is known here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.answering import error_responses
from shared.chat import traces
from shared.chat.trace_log import TraceLog
from shared.errors import NotFound, TunedropError
from shared.model.registry import Model, Version
from shared.printable import shown
from shared.run.context import Context
from shared.run.record import File, Run

VERDICT = "verdict.json"  # beside the run, where its version was compared
TOLD_OF_VERDICT = ("overall", "sentence", "digest")

Json = dict[str, Any]


@error_responses
async def trace(request: Request, ctx: Context, trace_log: Callable[[], TraceLog]) -> Response:
    """The chats of an id, the newest first: of the request's, as the caller was told it
    (x-request-id), or of the answer's. `?at=` names the hour to look in."""
    id, query = request.path_params["id"], request.query_params
    at = traces.parse_hour(query["at"]) if query.get("at") else None
    log = trace_log()
    await log.flush()  # what this instance has answered in the last seconds
    found = await traces.find(log.container, id, at)
    if not found.chats:
        raise NotFound(f"No chat of the id {shown(id)!r} was found.", traces.told_of_none(found))
    chats = [{**chat, **await lineage(chat, ctx)} for chat in found.chats]
    return JSONResponse({"id": id, "chats": chats, "notice": traces.told_of_older(found)})


async def lineage(chat: traces.Line, ctx: Context) -> Json:
    """What a line of the trace leads to; empty where no version of ours has answered."""
    name, number = chat.get("model"), chat.get("version")
    if not isinstance(name, str) or type(number) is not int:
        return {"lineage": None, "problems": []}
    work = _Lineage(name, number, traces.moment(chat), ctx)
    problems: list[TunedropError] = []
    told: Json | None = None
    try:
        told = await work.told(problems)
    except TunedropError as error:
        problems.append(error)
    return {
        "lineage": told,
        "problems": [{"message": error.message, "fix": error.fix} for error in problems],
    }


@dataclass(frozen=True)
class _Lineage:
    name: str
    number: int
    at: datetime
    ctx: Context

    async def told(self, problems: list[TunedropError]) -> Json:
        """Raises NotFound for a version that is gone."""
        model = await self.ctx.registry.load(self.name)
        if model is None:
            raise NotFound(f"The model {self.name} is gone.", "It was deleted since.")
        version = self._answered(model)
        run: Run | None = None
        verdict: Json | None = None
        try:
            run = await self.ctx.ledger.look(version.run_id)
            verdict = await self._verdict(version.run_id)
        except TunedropError as error:
            problems.append(error)
        return {
            "state": model.state_of(self.number),
            "champion_then": self._champion_then(model),
            "champion": model.champion,
            "base_model": version.base_model,
            "fine_tuned_model": version.fine_tuned_model,
            "checkpoint": version.checkpoint,
            "verdict": verdict,
            "run": version.run_id,
            "stage": run.stage if run else None,
            "trained_on_sha256": version.training_sha256,
            "dataset": await self._dataset(run) if run else [],
        }

    def _answered(self, model: Model) -> Version:
        """Of a model that was deleted and came anew, the numbers begin again."""
        version = model.version(self.number)
        if version.created_at > self.at:
            raise NotFound(
                f"The {self.name}@{self.number} that answered then is gone.",
                f"It was deleted since; that of now was made on {version.created_at:%Y-%m-%d}.",
            )
        return version

    def _champion_then(self, model: Model) -> int | None:
        change = model.served_at(self.at)
        return change.version if change else None

    async def _verdict(self, run_id: str) -> Json | None:
        document = await self.ctx.ledger.document(run_id, VERDICT)
        try:
            known = json.loads(document) if document else None
        except ValueError:
            return None
        if not isinstance(known, dict):
            return None
        return {name: known.get(name) for name in TOLD_OF_VERDICT}

    async def _dataset(self, run: Run) -> list[Json]:
        files = [("training", run.training), ("validation", run.validation)]
        return [await self._file(role, file) for role, file in files if file]

    async def _file(self, role: str, file: File) -> Json:
        """`there`: whether its blob still holds these bytes."""
        datasets = self.ctx.clients.datasets
        blob = await datasets.info(file.name)
        return {
            "role": role,
            "blob": f"{datasets.name}/{file.name}",
            "sha256": file.content_sha256 or file.sha256,
            "blob_sha256": file.sha256,
            "size": file.size,
            "examples": file.examples,
            "there": blob is not None and blob.etag == file.etag,
        }
