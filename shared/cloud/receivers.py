"""Who is told of what happens: a webhook and an Event Grid topic, each by an address that the app's
settings name, and no other.

A webhook is signed as Standard Webhooks says, so its receiver knows who has sent what and when; the
topic is entered with the app's identity. No redirect is followed, nothing of an answer but its
status and its pause is read, and of an address, which may hold a key, only the host is ever shown.
Knows bytes and statuses, not what is told (`shared/run/notifications.py`).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
https://learn.microsoft.com/azure/event-grid/post-to-custom-topic; the form of a batch, the version
and the scope are those of azure-eventgrid 4.22 (2026-11).
"""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError

from shared.cloud.broken import how
from shared.cloud.identity import Credential, token_provider
from shared.cloud.throttling import retry_after
from shared.cloud.translate import no_token
from shared.errors import Denied, Refused, ServiceError, SettingError, Unavailable
from shared.printable import shown

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from shared.settings import Settings

WEBHOOK, EVENT_GRID = "webhook", "event grid"
SETTINGS = {WEBHOOK: "TUNEDROP_WEBHOOK_URL", EVENT_GRID: "TUNEDROP_EVENT_GRID_TOPIC"}
SECRETS = "TUNEDROP_WEBHOOK_SECRET"
KEY_PREFIX = "whsec_"  # then base64 of 24 to 64 bytes
CALL_SECONDS = 15.0  # that a receiver has for its answer; the standard recommends 15 to 30
CONNECT_SECONDS = 5.0
EVENT_GRID_SCOPE = "https://eventgrid.azure.net/.default"
EVENT_GRID_VERSION = "2018-01-01"
GONE = 410  # the receiver wants no more
ABOUT_ONE = {400, 413, 422, GONE}  # of a webhook; any other failure would meet each event


class Receivers:
    def __init__(self, settings: "Settings", credential: Credential) -> None:
        self.settings, self.credential = settings, credential
        self._session: ClientSession | None = None
        self._token: Callable[[], Awaitable[str]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that the settings name."""
        addresses = {
            WEBHOOK: self.settings.webhook_url,
            EVENT_GRID: self.settings.event_grid_topic,
        }
        return tuple(name for name, address in addresses.items() if address)

    async def send(self, receiver: str, id: str, event: bytes, now: datetime) -> None:
        """`event` is one CloudEvent as JSON. Raises Refused where the receiver will not have this
        one, Unavailable where none would arrive now."""
        if receiver == WEBHOOK:
            headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
            headers |= signed(self.settings.webhook_secrets, id, event, now)
            return await self._post(receiver, self.settings.webhook_url, headers, event)
        headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
        headers["authorization"] = f"Bearer {await self._bearer()}"
        url = f"{self.settings.event_grid_topic}?api-version={EVENT_GRID_VERSION}"
        return await self._post(receiver, url, headers, b"[" + event + b"]")

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _post(self, receiver: str, url: str, headers: dict[str, str], body: bytes) -> None:
        import aiohttp
        from yarl import URL

        address = URL(url, encoded=True)  # a key in it must not be encoded a second time
        try:
            async with self._open_session().post(
                address, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status, pause = answer.status, retry_after(answer.headers)
                answer.close()  # whatever else it says, and however long
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(
                f"{_host(receiver, url)} did not answer: {how(error)}.",
                f"See that it is up and answers within {CALL_SECONDS:.0f} s, or set "
                f"{SETTINGS[receiver]} to another.",
            ) from None  # the cause's text may hold the address
        if not 200 <= status < 300:
            raise _refusal(receiver, url, status, pause)

    def _open_session(self) -> "ClientSession":
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS, sock_connect=CONNECT_SECONDS)
            # A connection that is kept may be closed by the other end just when it is used again.
            self._session = aiohttp.ClientSession(
                timeout=timeout,
                connector=aiohttp.TCPConnector(force_close=True),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _bearer(self) -> str:
        if self._token is None:
            self._token = token_provider(self.credential(), EVENT_GRID_SCOPE)
        try:
            return await self._token()
        except AzureError as error:
            raise no_token("tell an Event Grid topic", error) from error


def signed(secrets: Sequence[str], id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by each secret; without one nothing is
    signed. `now` is the moment of this try: receivers refuse what was signed minutes ago. Raises
    Denied for a secret that is none, until somebody has set another."""
    headers = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp()))}
    content = f"{id}.{headers['webhook-timestamp']}.".encode() + body
    try:
        digests = [hmac.digest(signing_key(secret), content, "sha256") for secret in secrets]
    except SettingError as error:
        raise Denied(error.message, error.fix) from None
    signatures = [f"v1,{base64.b64encode(digest).decode()}" for digest in digests]
    return headers | ({"webhook-signature": " ".join(signatures)} if signatures else {})


def signing_key(secret: str) -> bytes:
    """The key in a secret as Standard Webhooks writes it. Raises SettingError, which shows nothing
    of it."""
    text = secret.removeprefix(KEY_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise SettingError(
            f"The app setting {SECRETS} is not a secret of Standard Webhooks.",
            f'Set one: echo "{KEY_PREFIX}$(openssl rand -base64 32)"',
        )
    return key


def _refusal(receiver: str, url: str, status: int, pause: float | None) -> ServiceError:
    host = _host(receiver, url)
    if receiver == WEBHOOK and status in ABOUT_ONE:
        return Refused(f"{host} answered {status}.", _cure(receiver, status), status=status)
    told = f"{host} answered {status}."
    if 300 <= status < 400:
        told = f"{host} answered {status}, a redirect, which is not followed."
    return Unavailable(told, _cure(receiver, status), status=status, retry_after=pause)


def _cure(receiver: str, status: int) -> str:
    if 300 <= status < 400:
        return f"Set {SETTINGS[receiver]} to the address where it leads."
    if receiver == EVENT_GRID and status in (401, 403):
        return "Give the app's identity the role EventGrid Data Sender on the topic."
    if receiver == EVENT_GRID and status == 400:
        return "The topic must take the schema CloudEventSchemaV1_0 (its --input-schema)."
    if status == GONE:
        return f"Set {SETTINGS[receiver]} to another, or take it out."
    return "Its own log has the reason; any status from 200 to 299 says that it has the event."


def _host(receiver: str, url: str) -> str:
    named = {WEBHOOK: "The webhook at", EVENT_GRID: "The Event Grid topic"}[receiver]
    return f"{named} {shown(urlsplit(url).hostname or '')}"
