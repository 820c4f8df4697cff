"""Chat with a deployment, as raw bytes: what a relay needs and the SDK would parse and rebuild.

Knows the address and the credentials of the resource, nothing of models or callers.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.errors import Unavailable

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from shared.settings import Settings

CONNECT_SECONDS = 10
SILENCE_SECONDS = 120  # the longest pause in an answer before it is taken for dead


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that has begun to arrive; `chunks` must be read to its end or closed."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Completions:
    def __init__(self, settings: "Settings") -> None:
        self.url = f"{settings.openai_endpoint.rstrip('/')}/openai/v1/chat/completions"
        self.settings = settings
        self._session: ClientSession | None = None
        self._token: Callable[[], Awaitable[str]] | None = None

    async def send(self, body: dict[str, Any]) -> Reply:
        """Post a chat; returns when the answer's first line is there. Raises Unavailable."""
        import aiohttp

        headers = {"content-type": "application/json", **await self._credentials()}
        try:
            response = await self._open_session().post(
                self.url, data=json.dumps(body, ensure_ascii=False).encode(), headers=headers
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("Azure OpenAI could not be reached.", "Try again.") from error
        return Reply(response.status, response.headers, _chunks(response))

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _open_session(self) -> "ClientSession":
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
            )
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session

    async def _credentials(self) -> dict[str, str]:
        if self.settings.openai_key:
            return {"api-key": self.settings.openai_key}
        if self._token is None:
            from shared.cloud.identity import token_provider

            self._token = token_provider(self.settings.client_id, self.settings.openai_scope)
        return {"authorization": f"Bearer {await self._token()}"}


async def _chunks(response: Any) -> AsyncIterator[bytes]:
    """The body as it comes; whoever stops reading also ends the call upstream."""
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    finally:
        response.close()
