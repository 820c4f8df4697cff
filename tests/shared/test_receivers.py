"""What is sent to a webhook and to an Event Grid topic, seen by a real server: signed as Standard
Webhooks verifies it, by the settings' address alone, and with nothing of an address or a secret in
what is said when it fails."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from standardwebhooks import Webhook, WebhookVerificationError

from shared.cloud.receivers import EVENT_GRID, WEBHOOK, Receivers, signing_key
from shared.errors import Denied, Refused, ServiceError, SettingError, Unavailable
from shared.settings import Settings
from tests.support.receiver import SECRET, Receiver, receiver
from tests.support.settings import ENVIRON, SETTINGS

EVENT = b'{"specversion":"1.0","id":"e-1","text":"gr\xc3\xbc\xc3\x9fe"}'
OTHER = "whsec_" + "b3RoZXJz" * 5


class Credential:
    def __init__(self, *, broken: bool = False) -> None:
        self.broken, self.scopes = broken, list[str]()

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        if self.broken:
            raise ClientAuthenticationError("no identity here")
        return AccessToken("a-token", int(time.time()) + 3600)

    async def get_token_info(self, *scopes: str, **_: Any) -> AccessToken:
        return await self.get_token(*scopes)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as one:
        yield one


async def send(
    one: Receiver,
    to: str = WEBHOOK,
    credential: Any = None,
    now: datetime | None = None,
    **settings: Any,
) -> None:
    address = "webhook_url" if to == WEBHOOK else "event_grid_topic"
    changes: dict[str, Any] = {"webhook_secrets": (SECRET,), address: one.url, **settings}
    named = replace(SETTINGS, **changes)
    receivers = Receivers(named, lambda: cast(AsyncTokenCredential, credential or Credential()))
    try:
        await receivers.send(to, "e-1", EVENT, now or datetime.now(UTC))
    finally:
        await receivers.close()


async def failure(one: Receiver, **options: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await send(one, **options)
    return caught.value


async def test_a_webhook_is_signed_so_that_the_standards_own_library_verifies_it(
    there: Receiver,
) -> None:
    await send(there)
    (request,) = there.requests
    told = Webhook(SECRET).verify(request.body, request.headers)
    assert (told["id"], request.headers["webhook-id"]) == ("e-1", "e-1")
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


async def test_each_try_is_signed_at_its_own_moment(there: Receiver) -> None:
    """Receivers refuse what was signed more than five minutes ago."""
    await send(there, now=datetime(2026, 11, 1, tzinfo=UTC))
    await send(there)
    first, second = (request.headers for request in there.requests)
    assert first["webhook-timestamp"] == str(int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()))
    assert first["webhook-signature"] != second["webhook-signature"]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(EVENT, first)
    Webhook(SECRET).verify(EVENT, second)


async def test_while_a_secret_changes_both_sign(there: Receiver) -> None:
    await send(there, webhook_secrets=(OTHER, SECRET))
    (request,) = there.requests
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(request.body, request.headers)


async def test_without_a_secret_it_is_sent_unsigned(there: Receiver) -> None:
    await send(there, webhook_secrets=())
    (request,) = there.requests
    assert request.headers["webhook-id"] == "e-1"
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize(
    "secret",
    ["hunter2", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "@Microsoft.KeyVault(SecretUri=…)"],
)
async def test_a_secret_that_is_none_sends_nothing_and_is_not_shown(
    there: Receiver, secret: str
) -> None:
    error = await failure(there, webhook_secrets=(secret,))
    assert isinstance(error, Denied)
    assert "TUNEDROP_WEBHOOK_SECRET" in error.message
    assert secret.removeprefix("whsec_") not in str(error) or secret == "whsec_"
    assert there.requests == []
    with pytest.raises(SettingError):
        signing_key(secret)


def test_a_secret_needs_neither_its_prefix_nor_its_padding() -> None:
    key, written = b"k" * 32, "a2tr" * 10 + "a2s="
    bare = written.removesuffix("=")
    assert {signing_key(text) for text in (written, bare, f"whsec_{written}")} == {key}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(there: Receiver, status: int) -> None:
    """It would lead where nobody who may set the settings has said."""
    async with receiver() as other:
        there.status, there.headers = status, {"location": other.url}
        error = await failure(there)
        assert other.requests == []
    assert isinstance(error, Unavailable)
    assert "redirect" in error.message
    assert "TUNEDROP_WEBHOOK_URL" in error.fix


@pytest.mark.parametrize("status", [400, 413, 422, 410])
async def test_what_is_about_one_event_is_refused(there: Receiver, status: int) -> None:
    there.status = status
    error = await failure(there)
    assert isinstance(error, Refused)
    assert error.status == status


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 504])
async def test_what_would_meet_every_event_is_waited_for(there: Receiver, status: int) -> None:
    there.status, there.headers = status, {"retry-after": "77"}
    error = await failure(there)
    assert isinstance(error, Unavailable)
    assert (error.status, error.retry_after) == (status, 77)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_status_of_success_is_one(there: Receiver, status: int) -> None:
    there.status = status
    await send(there)
    assert len(there.requests) == 1


async def test_nothing_of_the_address_but_its_host_and_nothing_of_the_answer_is_said(
    there: Receiver,
) -> None:
    there.status, there.body = 500, b"echo: the-key"
    error = await failure(there, webhook_url=f"{there.url}?sig=the-key")
    assert there.requests[0].path == "/hook?sig=the-key"
    assert "the-key" not in f"{error}{error.__cause__}{error.__context__}"
    assert "127.0.0.1" in error.message


async def test_nobody_there_is_told_with_the_host_alone() -> None:
    nobody = Receiver("http://127.0.0.1:9/hook?sig=the-key")
    error = await failure(nobody)
    assert isinstance(error, Unavailable)
    assert "the-key" not in str(error)
    assert error.__cause__ is None


async def test_a_topic_is_entered_with_the_apps_identity(there: Receiver) -> None:
    there.status, credential = 200, Credential()
    await send(there, EVENT_GRID, credential)
    (request,) = there.requests
    assert request.path == "/hook?api-version=2018-01-01"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert request.body == b"[" + EVENT + b"]"
    assert credential.scopes == ["https://eventgrid.azure.net/.default"]
    assert "webhook-signature" not in request.headers


async def test_a_topic_that_the_app_may_not_enter_names_the_role(there: Receiver) -> None:
    there.status = 403
    error = await failure(there, to=EVENT_GRID)
    assert "EventGrid Data Sender" in error.fix


async def test_without_an_identity_nothing_is_sent_to_a_topic(there: Receiver) -> None:
    error = await failure(there, to=EVENT_GRID, credential=Credential(broken=True))
    assert isinstance(error, Denied)
    assert there.requests == []


# ---- the addresses


def load(name: str, value: str) -> Settings:
    return Settings.load({**ENVIRON, name: value})


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.contoso.com/a//b?sig=x%2Fy&z=1",
        "http://127.0.0.1:9000/hook",
        "http://localhost/hook",
        "http://[::1]:9000/hook",
    ],
)
def test_an_address_is_taken_as_it_is(address: str) -> None:
    assert load("TUNEDROP_WEBHOOK_URL", f"{address}#part").webhook_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.contoso.com/the-key",
        "http://169.254.169.254/the-key",
        "http://127.0.0.1.contoso.com/the-key",
        "http://localhost@contoso.com/the-key",
        "https://user:" + "the-key@contoso.com/",
        "ftp://contoso.com/the-key",
        "file:///the-key",
        "https://contoso.com/the key",
        "https://contoso.com/the-key/ä",
        "the-key",
    ],
)
def test_other_addresses_are_refused_without_a_word_of_them(address: str) -> None:
    with pytest.raises(SettingError) as caught:
        load("TUNEDROP_WEBHOOK_URL", address)
    assert "TUNEDROP_WEBHOOK_URL" in caught.value.message
    assert "the-key" not in str(caught.value)
    assert "the key" not in str(caught.value)


TOPIC = "https://told.swedencentral-1.eventgrid.azure.net/api/events"


@pytest.mark.parametrize("address", [TOPIC, TOPIC.removesuffix("/api/events"), f"{TOPIC}/"])
def test_a_topics_endpoint_has_one_form(address: str) -> None:
    assert load("TUNEDROP_EVENT_GRID_TOPIC", address).event_grid_topic == TOPIC


@pytest.mark.parametrize(
    "address",
    [
        TOPIC.replace("https", "http"),
        TOPIC.replace("azure.net", "azure.net.contoso.com"),
        "https://contoso.com/api/events",
        TOPIC.replace("/api/events", "/topics/t:publish"),
        f"{TOPIC}?sig=k",
    ],
)
def test_a_token_is_sent_to_a_topic_and_nowhere_else(address: str) -> None:
    with pytest.raises(SettingError):
        load("TUNEDROP_EVENT_GRID_TOPIC", address)
