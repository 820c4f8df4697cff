"""What is wrong with an app and what mends it: examinations, each of one thing, all at once.

None changes anything that stays; none raises: what goes wrong in one is a finding of its own.
Nothing of this is imported before somebody asks for it.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from shared.doctor import app, service, storage
from shared.doctor.cases import Case, State, healthy, unknown
from shared.doctor.patient import Patient
from shared.errors import NotFound

__all__ = ["EXAMINATIONS", "Case", "State", "examine", "healthy"]

DEADLINE_SECONDS = 30.0
DELIVERY_SECONDS = 60.0  # a cold app is started by the event

Examination = Callable[[Patient], Awaitable[list[Case]]]
EXAMINATIONS: tuple[Examination, ...] = (
    app.settings,
    app.versions,
    app.vocabulary,
    app.app_keys,
    storage.containers,
    storage.queue,
    storage.delivery,
    storage.timer,
    service.identity,
    service.clock,
    service.endpoint,
    service.rights,
    service.region,
    service.base_model,
    service.sku,
    service.quota,
    service.deployments_left,
    service.jobs_left,
    service.base_deployments,
)


async def examine(
    environ: Mapping[str, str],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    wait: float = DELIVERY_SECONDS,
    deadline: float = DEADLINE_SECONDS,
) -> list[Case]:
    """Every case, in the order of EXAMINATIONS. `wait` is for the canary, `deadline` for each
    examination beside it, in seconds."""
    async with Patient(environ, now, wait) as patient:
        found = await asyncio.gather(*(_one(e, patient, deadline + wait) for e in EXAMINATIONS))
    return [case for cases in found for case in cases]


def names(examination: Examination) -> tuple[str, str]:
    """What an examination's docstring says: the ids of its cases, and what it looks at."""
    ids, _, what = inspect.cleandoc(examination.__doc__ or "").partition(" | ")
    return ids, what


async def _one(examination: Examination, patient: Patient, deadline: float) -> list[Case]:
    id = names(examination)[0].partition(",")[0]
    try:
        async with asyncio.timeout(deadline):
            return await examination(patient)
    except TimeoutError:
        return [unknown(id, f"No answer within {deadline:.0f} s.")]
    except NotFound as error:
        return [unknown(id, error.message, error.fix)]
    except Exception as error:  # noqa: BLE001 - one examination's trouble is not the others'
        return [unknown(id, f"The examination itself failed ({type(error).__name__}).")]
