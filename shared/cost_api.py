"""The body of the route about costs: what a month has cost, and what it comes to.

Reads; decides nothing about what is deployed.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.answering import error_responses, told
from shared.errors import NotFound, TunedropError
from shared.kept import kept
from shared.model.cost_sheet import CostSheet
from shared.model.month import Month
from shared.printable import shown
from shared.run import costing, folder
from shared.run.context import Context


@error_responses
@kept
async def cost(request: Request, ctx: Context) -> Response:
    """Of this month, or of `?month=YYYY-MM`; of all models, or of `?model=` alone. The ceiling is
    of all of them, so it is told where all are."""
    asked, model = request.query_params.get("month", ""), request.query_params.get("model", "")
    month = Month.named(asked) if asked else Month.of(ctx.now())
    problems: list[TunedropError] = []
    if model and not folder.MODEL.fullmatch(model):
        raise _unknown(model)
    costs = await costing.costs(month, ctx, model, problems)
    if model and not costs.models and not await _is_known(model, ctx):
        raise _unknown(model)
    ceiling = 0.0 if model else ctx.settings.monthly_hosting_ceiling
    sheet = CostSheet(costs, ceiling).as_json()
    return JSONResponse({**sheet, "problems": list(map(told, problems))})


async def _is_known(model: str, ctx: Context) -> bool:
    """One that has trained nothing yet has runs."""
    if await ctx.registry.load(model):
        return True
    async for _ in ctx.ledger.newest(model):
        return True
    return False


def _unknown(model: str) -> NotFound:
    return NotFound(f"There is no model {shown(model)!r}.", "`tunedrop models` lists them.")
