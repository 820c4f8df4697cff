"""The bodies of the routes that delete: a model, a version, a run.

Without a digest the answer is the plan and nothing happens; with the plan's digest the order is
entered. Knows requests and answers, not what is deleted or how.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import commanding
from shared.answering import error_responses
from shared.commanding import Given
from shared.errors import CallerError
from shared.model.deletion import Deletion
from shared.printable import shown
from shared.run import deletions
from shared.run.context import Context
from shared.run.deletion_plan import Target, target_of_run

KEYS = ("datasets", "digest")


@error_responses
async def run(request: Request, ctx: Context) -> Response:
    """A run, with the version that it has made."""
    given = await commanding.given(request, "delete", KEYS, ctx.settings)
    run_id = await ctx.ledger.resolve(request.path_params["id"])
    return await answer(await target_of_run(run_id, ctx), given, ctx)


async def answer(target: Target, given: Given, ctx: Context) -> Response:
    """200 with the plan, or once it is carried out; 202 while it goes on by ticks. Raises
    CallerError."""
    datasets, digest = given.body.get("datasets", False), given.body.get("digest")
    if not isinstance(datasets, bool):
        raise CallerError(
            f"datasets is {shown(str(datasets), 40)}.", "Write true to delete them as well."
        )
    if not isinstance(digest, str | None):
        raise CallerError(f"digest is {shown(str(digest), 40)}.", "Send that of the plan.")
    plan, entered = await deletions.give(target, datasets, digest, given.who, given.why, ctx)
    page = {"plan": plan.as_json(), "deletion": shown_deletion(entered)}
    return JSONResponse(page, 202 if entered else 200)


def shown_deletion(deletion: Deletion | None) -> dict[str, Any] | None:
    fields = {"at", "who", "why", "waits"}
    return deletion.model_dump(mode="json", include=fields) if deletion else None
