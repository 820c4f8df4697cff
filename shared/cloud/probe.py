"""One call, one answer, as it came: what a doctor needs and the SDKs hide or retry.

Calls the data plane, the control plane and the queues as the app would, with the same identity,
and neither raises for a status nor waits for an operation. Knows no operation by name.
"""

import asyncio
import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError

from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.settings import Settings

ARM_API_VERSION = "2025-09-01"  # the default of azure-mgmt-cognitiveservices 14.1.0
QUEUE_API_VERSION = "2024-11-04"
ARM_SCOPE = "https://management.azure.com/.default"
STORAGE_SCOPE = "https://storage.azure.com/.default"
PAGES = 20  # of a listing of the control plane


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the JSON, or the text where it is none; `date` the server's own clock."""

    status: int
    body: Any
    date: str = ""

    @property
    def code(self) -> str:
        return str(self._error.get("code") or "")

    @property
    def message(self) -> str:
        return str(self._error.get("message") or "")

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}


class Probe:
    """Every call raises Unavailable if nobody answers, Refused if there is no token to send."""

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self._session: ClientSession | None = None
        self._me: AsyncTokenCredential | None = None
        self._tokens: dict[str, str] = {}  # empty where there is none: a search takes long
        self._searching = asyncio.Lock()

    async def close(self) -> None:
        if self._session:
            await self._session.close()
        if self._me:
            await self._me.close()

    async def token(self, scope: str) -> str:
        async with self._searching:
            if scope not in self._tokens:
                self._tokens[scope] = await self._search(scope)
        if not self._tokens[scope]:
            raise Refused(f"There is no token for {urlsplit(scope).hostname}.")
        return self._tokens[scope]

    async def _search(self, scope: str) -> str:
        from shared.cloud.identity import credential

        self._me = self._me or credential(self.settings.client_id)
        try:
            return (await self._me.get_token(scope)).token
        except (AzureError, ValueError):  # ValueError: the identity's answer is malformed
            return ""

    async def data(self, method: str, path: str, body: Any = None) -> Answer:
        """`path` within /openai/v1."""
        key = self.settings.openai_key
        headers = {"api-key": key} if key else await self._bearer(self.settings.openai_scope)
        base = self.settings.openai_endpoint.rstrip("/")
        return await self._send(method, f"{base}/openai/v1{path}", headers, body)

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        """`path` from /subscriptions on; a listing is followed to its end."""
        headers = await self._bearer(ARM_SCOPE)
        base = self.settings.arm_endpoint.rstrip("/")
        url = f"{base}{path}?api-version={ARM_API_VERSION}"
        answer = await self._send(method, url, headers, body)
        found = answer.body if isinstance(answer.body, dict) else {}
        for _ in range(PAGES):
            # The token goes to the control plane only, whatever a page says is the next one.
            if not str(found.get("nextLink") or "").startswith(f"{base}/"):
                break
            more = await self._send(method, found["nextLink"], headers)
            if more.status != 200 or not isinstance(more.body, dict):
                return more
            answer.body["value"] += more.body.get("value", [])
            found = more.body
        return answer

    async def queue(self, endpoint: str, path: str, key: tuple[str, str] | None) -> Answer:
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
    ) -> Answer:
        import aiohttp
        from yarl import URL

        self._session = self._session or aiohttp.ClientSession()
        where = URL(url, encoded=True)  # a signature must not be encoded a second time
        try:
            async with self._session.request(method, where, headers=headers, json=body) as found:
                text = await found.text(errors="replace")
                return Answer(found.status, _parsed(text), found.headers.get("date", ""))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(
                f"{where.host or 'The address'} could not be reached ({type(error).__name__})."
            ) from error


def claims(token: str) -> dict[str, Any]:
    """What a token says of its holder, unverified: good for a message, not for a decision."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
