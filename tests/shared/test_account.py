"""What the account offers, asked through Microsoft's SDK: of a server that answers as a test says,
and of the emulator. Whatever is answered, or is not, nothing is raised."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken

from shared.cloud import AzureClients, account
from shared.cloud.account import Account
from shared.cloud.deployments import Deployments
from shared.cloud.offers import Files, Jobs, Quota, offered_models
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.offered import NANO, entry
from tests.support.service import MemoryFineTuning
from tests.support.service_state import MemoryService
from tests.support.settings import ENVIRON
from tests.support.stack import StackHarness

USAGE = {
    "name": {"value": "OpenAI.Standard.x-finetune"},
    "currentValue": 10.0,
    "limit": 250.0,
    "unit": "Count",
    "status": "Included",
}
DEPLOYED = {
    "name": "mine",
    "sku": {"name": "Standard", "capacity": 1},
    "properties": {"model": {"name": f"{NANO}.ft-1"}, "provisioningState": "Succeeded"},
}
ANSWERS: dict[str, Any] = {
    "accounts/a": {"location": "Sweden Central"},
    "accounts/a/models": {"value": [entry("gpt-4.1-nano", "2025-04-14")]},
    "locations/swedencentral/usages": {"value": [USAGE]},
    "accounts/a/deployments": {"value": [DEPLOYED]},
}


class Credential:
    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


class Server:
    """Azure Resource Manager as a test says; an answer is a body, a status, or a function."""

    def __init__(self, **changes: Any) -> None:
        names = {name.rpartition("/")[2]: name for name in ANSWERS}
        self.answers = ANSWERS | {names.get(name, name): value for name, value in changes.items()}
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.partition("Microsoft.CognitiveServices/")[2]
        self.asked.append(path)
        answer = self.answers.get(path, 404)
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, int):
            error = {"error": {"code": "AuthorizationFailed", "message": "No."}}
            return web.json_response(error, status=answer)
        return web.json_response(answer)


@asynccontextmanager
async def served(server: Server, location: str = "") -> AsyncIterator[Account]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = Settings.load(
        {**ENVIRON, "AZURE_RESOURCE_MANAGER_ENDPOINT": f"http://127.0.0.1:{port}"}
    )
    deployments = Deployments.connect(settings, Credential)  # type: ignore[arg-type]
    try:
        yield Account(deployments, MemoryFineTuning(MemoryService(Clock())), location)
    finally:
        await deployments.close()
        await runner.cleanup()


async def test_an_account_is_read_in_five_calls() -> None:
    server = Server()
    async with served(server) as account:
        offers = await account.offers()
    assert offers.location.value == "swedencentral"
    assert offers.models.value
    assert [model.name for model in offers.models.value] == [NANO]
    assert {sku.name for sku in offers.models.value[0].tuned_skus} >= {"Standard", "DeveloperTier"}
    assert offers.quotas.value == {"OpenAI.Standard.x-finetune": Quota(10, 250)}
    assert [deployment.name for deployment in offers.deployments.value or ()] == ["mine"]
    assert (offers.jobs.value, offers.files.value) == (Jobs(0, 0), Files(0, 0))
    assert sorted(server.asked) == sorted(ANSWERS)


async def test_however_many_runs_ask_the_account_is_read_once_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    async with served(server) as account_:
        await asyncio.gather(*(account_.offers() for _ in range(50)))
        assert len(server.asked) == len(ANSWERS)
        await account_.offers(max_age=0)
        assert len(server.asked) == 2 * len(ANSWERS)
        later = time.monotonic() + account.FRESH_SECONDS
        monkeypatch.setattr("shared.cloud.account.time.monotonic", lambda: later)
        await account_.offers()
        assert len(server.asked) == 3 * len(ANSWERS)


PARTS = {"a": "location", "models": "models", "usages": "quotas", "deployments": "deployments"}


@pytest.mark.parametrize("name", PARTS)
async def test_a_part_that_may_not_be_read_is_not_known_and_the_others_are(name: str) -> None:
    async with served(Server(**{name: 403}), "Sweden Central") as account:
        offers = await account.offers()
    found = {part: getattr(offers, part) for part in PARTS.values()}
    missing = {part for part, known in found.items() if known.value is None}
    if name == "a":
        assert missing == set()  # the setting tells it
        assert offers.location.value == "swedencentral"
        return
    assert missing == {PARTS[name]}
    assert "Azure Resource Manager answered 403" in found[PARTS[name]].why
    assert "Cognitive Services OpenAI Contributor" in found[PARTS[name]].fix


async def test_without_its_region_the_quota_is_not_known_and_the_setting_is_named() -> None:
    async with served(Server(a=403)) as account:
        offers = await account.offers()
    assert offers.location.value is None
    assert "AZURE_OPENAI_LOCATION" in offers.quotas.fix
    assert offers.models.value


async def test_where_the_account_does_not_tell_its_models_its_region_does() -> None:
    listed = {"kind": "OpenAI", "skuName": "S0", "model": entry("gpt-4.1-nano", "2025-04-14")}
    twice = [listed, {**listed, "kind": "AIServices"}, {**listed, "model": entry("gpt-5", "x")}]
    region = {"locations/swedencentral/models": {"value": twice}}
    async with served(Server(models=403, **region)) as account:
        offers = await account.offers()
    assert [model.name for model in offers.models.value or ()] == [NANO, "gpt-5"]


@pytest.mark.parametrize(
    "answer",
    [[], "text", {"value": None}, {"value": [None]}, {"value": [{"skus": "many"}]}, {}, 500, 429],
)
async def test_an_answer_of_another_shape_is_not_known_or_empty(answer: Any) -> None:
    everything = {name: answer for name in ANSWERS}
    async with served(Server(**everything)) as account:
        offers = await account.offers()
    for known in (offers.models, offers.quotas, offers.deployments):
        assert not known.value
        assert known.value is not None or known.why


async def test_an_account_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account, "PATIENCE_SECONDS", 0.05)

    async def never(request: web.Request) -> Any:
        await asyncio.Event().wait()

    async with served(Server(**dict.fromkeys(ANSWERS, never))) as account_:
        offers = await account_.offers()
    assert "nobody answered" in offers.models.why


def test_what_a_models_entry_does_not_tell_is_not_made_up() -> None:
    (bare,) = offered_models([{"name": "gpt-oss-20b", "version": "1"}])
    assert (bare.name, bare.lifecycle, bare.tunable, bare.methods) == ("gpt-oss-20b", "", None, ())
    assert (bare.training_ends, bare.ends, bare.skus) == (None, None, ())
    assert offered_models([{}, {"model": {}}]) == ()


async def test_the_emulators_account_is_read_whole(
    stack: StackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = stack.apart("whole-account")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    async with AzureClients(Settings.load(environ)) as clients:
        offers = await clients.account.offers()
    assert offers.location.value
    assert NANO in [model.name for model in offers.models.value or ()]
    nano = offers.model(NANO)
    assert nano
    assert nano.tuned_skus
    assert {sku.usage for sku in nano.tuned_skus} <= set(offers.quotas.value or {})
    for part in (offers.deployments, offers.jobs, offers.files):
        assert part.value is not None


@pytest.mark.parametrize("told", ["2099-12-31", "2099-12-31T00:00:00Z", "9999-12-31", "", "soon"])
def test_a_day_at_the_end_of_the_century_is_no_end(told: str) -> None:
    (model,) = offered_models(
        [entry("gpt-4.1", "2025-04-14", deprecation={"fineTune": told, "inference": "2098-01-01"})]
    )
    assert model.training_ends is None
    assert model.ends == date(2098, 1, 1)
