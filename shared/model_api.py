"""The bodies of the management routes about models.

Reads the registry; decides nothing about models.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.answering import error_responses, told
from shared.chat import export
from shared.chat.feedback import FeedbackStore
from shared.errors import NotFound, TunedropError
from shared.model.lifecycle import lifecycle
from shared.printable import shown
from shared.run import folder
from shared.run.context import Context


@error_responses
async def models(ctx: Context) -> Response:
    """Every model with its versions and its champion, and what of the champion's base model ends
    within 90 days or has ended."""
    problems: list[TunedropError] = []
    today, (offers, told_on) = ctx.now().date(), ctx.clients.account.told
    found = [
        {**model.model_dump(mode="json"), "lifecycle": lifecycle(model, today, offers, told_on)}
        for model in await ctx.registry.all(problems)
    ]
    return JSONResponse({"models": found, "problems": list(map(told, problems))})


@error_responses
async def examples(request: Request, feedback: Callable[[], FeedbackStore]) -> Response:
    """A model's rated answers as a dataset to drop."""
    name = request.path_params["name"]
    if not folder.MODEL.fullmatch(name):
        raise NotFound(f"There is no model {shown(name)!r}.", "GET /api/models lists them.")
    return await export.examples(request, name, feedback())
