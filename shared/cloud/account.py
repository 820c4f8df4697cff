"""Asks what the account offers: Azure Resource Manager in a few GETs, the data plane in two, side
by side, and no more than once a minute however many runs want to know.

It never raises: what could not be asked, or was not answered in time, is not known, and says why.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError

from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.deployments import SERVICE, Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.offers import (
    Files,
    Jobs,
    Known,
    OfferedModel,
    Offers,
    Quota,
    offered_models,
    offered_quotas,
    region_name,
)
from shared.cloud.pages import each_once
from shared.cloud.translate import MISSHAPEN, misshapen, service_error, unreachable
from shared.errors import ServiceError

if TYPE_CHECKING:
    from azure.mgmt.cognitiveservices.aio import CognitiveServicesManagementClient

T = TypeVar("T")

FRESH_SECONDS = 60.0  # for so long an answer counts
PATIENCE_SECONDS = 20.0  # with each question
NO_REGION: Known[Any] = Known(
    why="the account's region is not known", fix="Set AZURE_OPENAI_LOCATION to it."
)


class _Every:
    """Every name."""

    def __contains__(self, name: object) -> bool:
        return True


class Account:
    def __init__(
        self, deployments: Deployments, finetuning: FineTuning, location: str = ""
    ) -> None:
        """`location`: the account's region where Azure Resource Manager may not be asked."""
        self._deployments, self._finetuning = deployments, finetuning
        self._location = region_name(location)
        self._known, self._asked_at = Offers(), -FRESH_SECONDS
        self._told_on: date | None = None
        self._one_at_a_time = asyncio.Lock()

    async def offers(self, max_age: float = FRESH_SECONDS) -> Offers:
        """What the account offers, asked at most so many seconds ago."""
        async with self._one_at_a_time:
            if time.monotonic() - self._asked_at >= max_age:
                self._known = await self._ask()
                self._asked_at, self._told_on = time.monotonic(), datetime.now(UTC).date()
            return self._known

    @property
    def told(self) -> tuple[Offers, date | None]:
        """What it said last, and on which day; nobody is asked. Nothing before it was asked."""
        return self._known, self._told_on

    async def _ask(self) -> Offers:
        location = await _answer("read the account", self._read_location())
        if location.value is None and self._location:
            location = Known(self._location)
        models, quotas, deployments, jobs, files = await asyncio.gather(
            self._models(location.value),
            self._quotas(location.value),
            _answer("list deployments", self._list_deployments()),
            _answer("list jobs", self._count_jobs()),
            _answer("list files", self._count_files()),
        )
        return Offers(location, models, quotas, deployments, jobs, files)

    @property
    def _client(self) -> "CognitiveServicesManagementClient":
        return self._deployments.client

    async def _read_location(self) -> str:
        account = await self._client.accounts.get(*self._deployments.where)
        return region_name(str(account.location))

    async def _models(self, location: str | None) -> Known[tuple[OfferedModel, ...]]:
        """Of the account; where it does not tell them, of its region."""
        found = await _answer("list the account's models", self._models_of_account())
        if found.value is not None or not location:
            return found
        other = await _answer("list the region's models", self._models_of_region(location))
        return found if other.value is None else other

    async def _models_of_account(self) -> tuple[OfferedModel, ...]:
        return await self._read(self._client.accounts.list_models(*self._deployments.where))

    async def _models_of_region(self, location: str) -> tuple[OfferedModel, ...]:
        return await self._read(self._client.models.list(location))

    async def _read(self, listed: AsyncIterable[Any]) -> tuple[OfferedModel, ...]:
        once = each_once(listed, _model_of)
        return offered_models([entry.serialize(keep_readonly=True) async for entry in once])

    async def _quotas(self, location: str | None) -> Known[dict[str, Quota]]:
        if not location:
            return NO_REGION
        return await _answer("list the region's quotas", self._read_quotas(location))

    async def _read_quotas(self, location: str) -> dict[str, Quota]:
        once = each_once(self._client.usages.list(location), _name_of)
        return offered_quotas([usage.serialize(keep_readonly=True) async for usage in once])

    async def _list_deployments(self) -> Any:
        return tuple(await self._deployments.list())

    async def _count_jobs(self) -> Jobs:
        jobs = await self._finetuning.list_jobs()
        return Jobs(len(jobs), sum(listed.job.status == "pending" for listed in jobs))

    async def _count_files(self) -> Files:
        files = await self._finetuning.files(_Every())
        return Files(len(files), sum(file.size or 0 for file in files))


def _name_of(usage: Any) -> object:
    return usage.name.value


def _model_of(entry: Any) -> object:
    """Which model, in which version, an entry of a list is about."""
    model = getattr(entry, "model", None) or entry
    account = (getattr(entry, name, None) for name in ("kind", "sku_name"))  # it may be there twice
    return model.format, model.name, model.version, *account


async def _answer(operation: str, asked: Awaitable[T]) -> Known[T]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Known(await asked, "")
    except ServiceError as error:
        return _unknown(error)
    except HttpResponseError as error:
        return _unknown(service_error(SERVICE, operation, error, fix=OPENAI_ROLE))
    except AzureError as error:
        return _unknown(unreachable(SERVICE, operation, error))
    except TimeoutError:
        return Known(why=f"nobody answered within {PATIENCE_SECONDS:.0f} s to: {operation}")
    except (*MISSHAPEN, ArithmeticError):
        return _unknown(misshapen(SERVICE, operation))


def _unknown(error: ServiceError) -> Known[Any]:
    return Known(why=error.message.rstrip("."), fix=error.fix)
