"""What is wrong with an app and how to fix it: independent checks, all made side by side.

A check changes nothing that stays and never raises: what goes wrong in one is its result. Nothing
of this is imported before somebody asks for it. To add a check, write it beside those of the same
subject (app, storage, service) and name it in CHECKS.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from shared.doctor import app, models, records, service, storage
from shared.doctor.context import Context, open_context
from shared.doctor.result import CheckResult, State, as_json, healthy, unknown
from shared.errors import NotFound

__all__ = ["CHECKS", "CheckResult", "State", "as_json", "healthy", "run_checks"]

DEADLINE_SECONDS = 30.0
CANARY_SECONDS = 60.0  # a cold app is started by the event

Check = Callable[[Context], Awaitable[list[CheckResult]]]
CHECKS: tuple[Check, ...] = (
    app.settings,
    app.versions,
    app.vocabulary,
    app.app_keys,
    app.webhook,
    storage.containers,
    storage.queue,
    storage.delivery,
    storage.timer,
    service.identity,
    service.clock,
    service.endpoint,
    service.rights,
    models.region,
    models.base_model,
    models.sku,
    models.quota,
    service.deployments_left,
    service.jobs_left,
    service.base_deployments,
    records.redeployments,
    records.orders,
    records.orphans_known,
    records.notifications,
)


async def run_checks(
    environ: Mapping[str, str],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    canary_seconds: float = CANARY_SECONDS,
    deadline: float = DEADLINE_SECONDS,
) -> list[CheckResult]:
    """All results, in the order of CHECKS. `deadline` is that of each check, in seconds;
    `canary_seconds` comes on top of it."""
    async with open_context(environ, now, canary_seconds) as context:
        limit = deadline + canary_seconds
        results = await asyncio.gather(*(_run(check, context, limit) for check in CHECKS))
    return [result for of_check in results for result in of_check]


def describe(check: Check) -> tuple[str, str]:
    """From a check's docstring: the ids of its results, and what is checked."""
    ids, _, description = inspect.cleandoc(check.__doc__ or "").partition(" | ")
    return ids, description


async def _run(check: Check, context: Context, deadline: float) -> list[CheckResult]:
    id = describe(check)[0].partition(",")[0]
    try:
        async with asyncio.timeout(deadline):
            return await check(context)
    except TimeoutError:
        return [unknown(id, f"No answer within {deadline:.0f} s.")]
    except NotFound as error:
        return [unknown(id, error.message, error.fix)]
    except Exception as error:  # noqa: BLE001 - a failing check must not hide the others' results
        return [unknown(id, f"The check itself failed ({type(error).__name__}).")]
