"""Plain REST calls: one request, one response, whatever its status.

For the doctor, which needs the statuses and bodies that the SDKs hide or retry. Calls the data
plane, the control plane and the queues with the app's own identity; neither raises for a status
nor waits for an operation. Knows no operation by name.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError

from shared.cloud.broken import how
from shared.errors import Denied, Unavailable

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.settings import Settings

ARM_API_VERSION = "2025-09-01"  # the default of azure-mgmt-cognitiveservices 14.1.0
QUEUE_API_VERSION = "2024-11-04"
ARM_SCOPE = "https://management.azure.com/.default"
STORAGE_SCOPE = "https://storage.azure.com/.default"
MAX_PAGES = 20  # of a listing of the control plane


@dataclass(frozen=True, slots=True)
class RawResponse:
    """`body` is the JSON, or the text where it is none; `date` the server's own clock."""

    status: int
    body: Any
    date: str = ""

    @property
    def code(self) -> str:
        """The code of an error in Azure's own envelope."""
        return str(self._error.get("code") or "")

    @property
    def named(self) -> str:
        """The status, with the code where that says more."""
        return (
            f"{self.status} {self.code}"
            if self.code not in ("", str(self.status))
            else str(self.status)
        )

    @property
    def message(self) -> str:
        """The sentence of an error in that envelope, as the service says it."""
        return str(self._error.get("message") or "")

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}


@dataclass
class RestClient:
    """Every call raises Unavailable if nobody answers, Denied if there is no token to send.

    `credential` gives the app's one credential, which belongs to the caller: it closes it after
    this client.
    """

    settings: "Settings"
    credential: "Callable[[], AsyncTokenCredential]"
    _session: "ClientSession | None" = field(default=None, init=False)
    # Empty where there is no token. A failed search takes long and is not made twice.
    _tokens: dict[str, str] = field(default_factory=dict, init=False)
    _token_lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def __aenter__(self) -> "RestClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._session:
            await self._session.close()

    async def token(self, scope: str) -> str:
        async with self._token_lock:
            if scope not in self._tokens:
                self._tokens[scope] = await self._fetch_token(scope)
        if not self._tokens[scope]:
            raise Denied(f"There is no token for {urlsplit(scope).hostname}.")
        return self._tokens[scope]

    async def _fetch_token(self, scope: str) -> str:
        try:
            return (await self.credential().get_token(scope)).token
        except (AzureError, ValueError):  # ValueError: the identity's answer is malformed
            return ""

    async def data(self, method: str, path: str, body: Any = None) -> RawResponse:
        """`path` within /openai/v1."""
        key = self.settings.openai_key
        headers = {"api-key": key} if key else await self._bearer(self.settings.openai_scope)
        base = self.settings.openai_endpoint
        return await self._send(method, f"{base}/openai/v1{path}", headers, body)

    async def control(self, method: str, path: str, body: Any = None) -> RawResponse:
        """`path` from /subscriptions on; a listing is followed to its end, or to a page that is
        repeated."""
        headers = await self._bearer(ARM_SCOPE)
        base = self.settings.arm_endpoint
        url = f"{base}{path}?api-version={ARM_API_VERSION}"
        response = await self._send(method, url, headers, body)
        page = response.body if isinstance(response.body, dict) else {}
        for _ in range(MAX_PAGES):
            # The token goes to the control plane only, whatever a page says is the next one.
            if not str(page.get("nextLink") or "").startswith(f"{base}/"):
                break
            more = await self._send(method, page["nextLink"], headers)
            if more.status != 200 or not isinstance(more.body, dict):
                return more
            known = response.body.setdefault("value", [])
            new = [item for item in more.body.get("value", []) if item not in known]
            repeated = not new and more.body.get("nextLink") == page["nextLink"]
            known += new
            if repeated:
                break
            page = more.body
        return response

    async def queue(self, endpoint: str, path: str, key: tuple[str, str] | None) -> RawResponse:
        """GET of a storage queue; `key` is account and key, None signs in as the app's identity."""
        headers = {"x-ms-version": QUEUE_API_VERSION}
        url = f"{endpoint.rstrip('/')}{path}"
        if key:
            url = f"{url}&{_queue_sas(*key)}"
        elif "sig=" not in url:
            headers |= await self._bearer(STORAGE_SCOPE)
        return await self._send("GET", url, headers)

    async def _bearer(self, scope: str) -> dict[str, str]:
        return {"authorization": f"Bearer {await self.token(scope)}"}

    async def _send(
        self, method: str, url: str, headers: dict[str, str], body: Any = None
    ) -> RawResponse:
        import aiohttp
        from yarl import URL

        self._session = self._session or aiohttp.ClientSession()
        address = URL(url, encoded=True)  # a signature must not be encoded a second time
        try:
            async with self._session.request(method, address, headers=headers, json=body) as got:
                text = await got.text(errors="replace")
                return RawResponse(got.status, _parsed(text), got.headers.get("date", ""))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(
                f"{address.host or 'The address'} did not answer: {how(error)}."
            ) from error


def claims(token: str) -> dict[str, Any]:
    """The claims in a token, unverified: good for a message, not for a decision."""
    try:
        part = token.split(".")[1]
        payload = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _queue_sas(account: str, key: str) -> str:
    from azure.storage.blob import (
        AccountSasPermissions,
        ResourceTypes,
        Services,
        generate_account_sas,
    )

    return generate_account_sas(
        account,
        key,
        ResourceTypes(object=True, container=True),
        AccountSasPermissions(read=True, list=True, process=True),
        datetime.now(UTC) + timedelta(minutes=5),
        services=Services(queue=True),
    )
