"""The bodies of the routes about a model's data: what lies in its folder, what its versions were
trained on, what was not taken; what is another in staged files, and rated answers merged into it.

Reads; decides nothing about drops.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import commanding
from shared.answering import error_responses, told
from shared.chat.examples import Method
from shared.chat.feedback import FeedbackStore, sampling_rates
from shared.cloud.container import BlobInfo
from shared.dataset.merge import Conflicts
from shared.errors import CallerError, NotFound, NotNow, Replaced, TunedropError
from shared.kept import kept
from shared.model.registry import Model
from shared.model.standing import standing
from shared.printable import shown
from shared.run import folder, merging
from shared.run.context import Context
from shared.run.folder import DropRole, Folder
from shared.run.record import File, Run
from shared.run.refusals import Refusals
from shared.run.staging import Staging

MOST = 20  # datasets that are told of, the newest first

Feedback = Callable[[], FeedbackStore]


@error_responses
async def data(request: Request, ctx: Context, feedback: Feedback) -> Response:
    """A model's data. `?rated=1`: how many rated answers there are as well, for which all that is
    remembered of the model is read."""
    name = _name(request.path_params["name"])
    if not request.query_params.get("rated"):
        return await _kept(request, ctx)
    page = await _page(name, ctx)
    return JSONResponse({**page, "rated": await _rated(name, feedback())})


@kept
async def _kept(request: Request, ctx: Context) -> Response:
    return JSONResponse(await _page(request.path_params["name"], ctx))


async def _page(name: str, ctx: Context) -> dict[str, Any]:
    """Raises NotFound where nothing is known of the model."""
    problems: list[TunedropError] = []
    found = await folder.look(name, ctx.clients.datasets)
    runs = [run async for run in _newest(name, ctx, problems)]
    known = await ctx.registry.load(name)
    refused = await Refusals(ctx.clients.runs).newest(name, problems)
    if not (found.newest or runs or known or refused.count):
        raise NotFound(
            f"There is no data of a model {name!r}.", "Drop a dataset, or see `tunedrop models`."
        )
    return {
        "model": name,
        "files": [_lying(role, blob, runs) for role, blob in found.newest.items()],
        "older": [blob.name for _, blob in found.older],
        "datasets": [_dataset(run, known, found) for run in runs],
        "refused": {"drops": [r.as_json() for r in refused.refusals], "count": refused.count},
        "remembered": name in sampling_rates(ctx.settings.remember),
        "rated": None,
        "problems": list(map(told, problems)),
    }


async def _newest(name: str, ctx: Context, problems: list[TunedropError]) -> Any:
    count = 0
    async for _, run in ctx.ledger.newest(name, problems=problems):
        yield run
        count += 1
        if count == MOST:
            return


async def _rated(name: str, store: FeedbackStore) -> dict[str, Any]:
    """How many lines a dataset of them has, by what it is for; and of the first kind, how many
    rated answers are left out and why."""
    counts: dict[str, int] = {}
    left_out: Counter[str] = Counter()
    for method in Method:
        left: Counter[str] = Counter()
        counts[method] = 0
        async for page in store.export(name, method, left):
            counts[method] += len(page)
        left_out = left_out or left
    return {"examples": counts, "left_out": dict(left_out)}


def _lying(role: DropRole, blob: BlobInfo, runs: list[Run]) -> dict[str, Any]:
    """A file as it lies there, with what the newest run that was made of it knows of it."""
    run, file = next(
        (
            (run, file)
            for run in runs
            for file in (*run.files, run.assertions)
            if file and (file.name, file.etag) == blob.version
        ),
        (None, None),
    )
    return {
        "name": blob.name.removeprefix(f"{run.model}/") if run else blob.name.rpartition("/")[2],
        "path": blob.name,
        "role": role,
        "size": blob.size,
        "dropped": blob.modified.isoformat(),
        "sha256": file.sha256 if file else None,
        "examples": file.examples if file else None,
        "run": run.id if run else None,
    }


def _dataset(run: Run, model: Model | None, found: Folder) -> dict[str, Any]:
    """What a run was made of; `lies_there` where that is what lies in the folder now."""
    stands = standing(model, run.id)
    newest = {blob.version for blob in found.newest.values()}
    return {
        "run": run.id,
        "stage": run.stage,
        "base_model": run.spec.base_model,
        "method": run.spec.method,
        "dropped": run.dropped_at.isoformat(),
        "training": _file(run.training),
        "validation": _file(run.validation) if run.validation else None,
        "standing": stands.as_json() if stands else None,
        "lies_there": all((file.name, file.etag) in newest for file in run.files),
    }


def _file(file: File) -> dict[str, Any]:
    digest = file.content_sha256 or file.sha256
    return {"name": file.name, "size": file.size, "examples": file.examples, "sha256": digest}


@error_responses
async def diff(request: Request, ctx: Context) -> Response:
    """What is another in what is staged than in what lies in `?model=`'s folder."""
    staging = Staging(ctx.clients.runs, request.path_params["id"])
    try:
        return JSONResponse(await merging.diff(staging, request.query_params.get("model", ""), ctx))
    except Replaced as error:
        raise NotNow(error.message, "Ask again.") from error


@error_responses
async def merge(request: Request, ctx: Context, feedback: Feedback) -> Response:
    """Stage a model's dataset with its rated answers in it. `conflicts` says whose answer stands
    where both answer the same otherwise: base, additions or both."""
    staging = Staging(ctx.clients.runs, request.path_params["id"])
    keys = ("model", "conflicts")
    given = await commanding.given(request, "merge", keys, ctx.settings)
    model, conflicts = given.body.get("model"), _conflicts(given.body.get("conflicts"))
    if not isinstance(model, str):
        raise CallerError("Of which model?", 'Send {"model": "…"}.')
    left_out: Counter[str] = Counter()
    method = Method(await merging.method(model, ctx))
    rated = feedback().export(model, method, left_out)
    try:
        done = await merging.merge(staging, model, rated, conflicts, ctx)
    except Replaced as error:
        raise NotNow(error.message, "Merge again.") from error
    return JSONResponse({"id": staging.id, "model": model, **done, "left_out": dict(left_out)}, 201)


def _conflicts(asked: object) -> Conflicts:
    try:
        return Conflicts.BASE if asked is None else Conflicts(str(asked))
    except ValueError:
        raise CallerError(
            f"conflicts is {shown(str(asked), 40)}.", f"Known: {', '.join(Conflicts)}."
        ) from None


def _name(asked: str) -> str:
    if not folder.MODEL.fullmatch(asked):
        raise NotFound(f"There is no model {shown(asked)!r}.", "`tunedrop models` lists them.")
    return asked
