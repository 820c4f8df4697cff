"""Plain REST calls against a small server: any status is a result, a token is fetched once."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.cloud.rest import ARM_SCOPE, STORAGE_SCOPE, RestClient
from shared.errors import Denied, Unavailable
from shared.settings import Settings
from tests.doctor.sessions import open_sessions


@dataclass
class Credential:
    """Counts what is asked of it; `broken` gives no token."""

    broken: bool = False
    scopes: list[str] = field(default_factory=list)
    closed: bool = False

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        await asyncio.sleep(0.01)
        if self.broken:
            raise ClientAuthenticationError("no identity here")
        return AccessToken("token", int(time.time()) + 3600)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@dataclass
class Service:
    """Answers every request with `status` and `pages`, one after the other; keeps the requests."""

    status: int = 200
    pages: list[Any] = field(default_factory=lambda: [{}])
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        page = self.pages[min(len(self.requests), len(self.pages)) - 1]
        return web.json_response(page, status=self.status)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service, application = Service(), web.Application()
    application.router.add_route("*", "/{path:.*}", service.answer)
    async with TestServer(application) as server:
        service.url = str(server.make_url("")).rstrip("/")
        yield service


def client(url: str, credential: Credential) -> RestClient:
    environ = {
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": url,
        "AZURE_SUBSCRIPTION_ID": "s",
        "AZURE_RESOURCE_GROUP": "g",
        "AZURE_OPENAI_ACCOUNT": "a",
        "TunedropStorage": "UseDevelopmentStorage=true",
    }
    return RestClient(Settings.load(environ), lambda: credential)


@pytest.mark.parametrize("status", [200, 401, 403, 404, 409, 429, 500, 503])
async def test_a_status_is_returned_as_it_came_and_asked_for_once(
    service: Service, status: int
) -> None:
    service.status, service.pages = status, [{"error": {"code": "SomeCode"}}]
    async with client(service.url, Credential()) as rest:
        for response in (await rest.data("GET", "/models"), await rest.control("GET", "/x")):
            assert (response.status, response.code) == (status, "SomeCode")
            assert response.date
    assert len(service.requests) == 2


async def test_a_token_is_fetched_once_for_each_scope(service: Service) -> None:
    credential = Credential()
    async with client(service.url, credential) as rest:
        await asyncio.gather(*(rest.control("GET", f"/{n}") for n in range(5)))
        await asyncio.gather(*(rest.token(STORAGE_SCOPE) for _ in range(5)))
    assert sorted(credential.scopes) == sorted([ARM_SCOPE, STORAGE_SCOPE])


async def test_a_failed_search_for_a_token_is_not_repeated(service: Service) -> None:
    credential = Credential(broken=True)
    async with client(service.url, credential) as rest:
        for _ in range(3):
            with pytest.raises(Denied, match=r"no token for management\.azure\.com"):
                await rest.control("GET", "/x")
    assert credential.scopes == [ARM_SCOPE]
    assert not service.requests


async def test_its_session_is_closed_and_the_credential_left_to_its_owner(
    service: Service,
) -> None:
    credential, before = Credential(), open_sessions()
    async with client(service.url, credential) as rest:
        await rest.data("GET", "/models")
        assert open_sessions() > before
    assert open_sessions() == before
    assert not credential.closed


async def test_nobody_there_is_an_outage() -> None:
    async with client("http://127.0.0.1:9", Credential()) as rest:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 did not answer"):
            await rest.data("GET", "/models")


async def test_a_listing_is_followed_to_its_end(service: Service) -> None:
    next_link = f"{service.url}/next?page=2"
    service.pages = [{"value": [1], "nextLink": next_link}, {"value": [2]}]
    async with client(service.url, Credential()) as rest:
        assert (await rest.control("GET", "/things")).body["value"] == [1, 2]


async def test_the_token_goes_to_the_control_plane_only(service: Service) -> None:
    service.pages = [{"value": [1], "nextLink": f"{service.url}.example.com/next"}]
    async with client(service.url, Credential()) as rest:
        assert (await rest.control("GET", "/things")).body["value"] == [1]
    assert len(service.requests) == 1


async def test_a_listing_without_end_is_not_followed_for_ever(service: Service) -> None:
    service.pages = [{"value": [n], "nextLink": f"{service.url}/{n}"} for n in range(30)]
    async with client(service.url, Credential()) as rest:
        assert len((await rest.control("GET", "/things")).body["value"]) == 21


async def test_a_listing_that_repeats_a_page_ends_with_what_it_has(service: Service) -> None:
    service.pages = [{"value": [1], "nextLink": f"{service.url}/again"}]
    async with client(service.url, Credential()) as rest:
        assert (await rest.control("GET", "/things")).body["value"] == [1]
