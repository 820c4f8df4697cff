"""Requests to a deployment, as raw bytes: what a relay needs and the SDK would parse and rebuild.

Knows the address and the credentials of the resource, nothing of models or callers.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError

from shared.cloud.broken import how
from shared.cloud.identity import Credential, token_provider
from shared.cloud.translate import no_token
from shared.errors import Denied, NotSent, Unavailable

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from shared.settings import Settings

CONNECT_SECONDS = 5
MAX_ANSWER_BYTES = (
    32 * 2**20
)  # of one that is not a stream; the longest that a model gives has 1 MB
# The caller may not be able to unpack what the relay could.
HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}

# What a caller needs of an answer's headers to pace itself, and to ask the service's support.
_FOR_CALLERS = re.compile(
    r"retry-after|retry-after-ms|x-ms-retry-after-ms|x-rate-?limit-[a-z-]+"
    r"|apim-request-id|x-ms-request-id|x-ms-region",
    re.IGNORECASE,
)
UPSTREAM_REQUEST_ID = "x-upstream-request-id"  # the service's own x-request-id, under another name
_TELLABLE = re.compile(r"[ -~]{1,256}")  # others could not be sent, or would be a nuisance

T = TypeVar("T")


class Reply:
    """An answer that has begun to arrive. Must be closed, which also ends the call upstream."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._put_back = b""
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    @property
    def streams(self) -> bool:
        return bool(self._response.content_type == "text/event-stream")

    @property
    def content_type(self) -> str:
        said = str(self.headers.get("content-type", ""))
        return said if _TELLABLE.fullmatch(said) else "application/json"

    @property
    def for_callers(self) -> dict[str, str]:
        """The headers that are passed on with an answer, and with an error in its place: pauses,
        limits, the service's ids of the request."""
        found = {name.lower(): value for name, value in self.headers.items()}
        passed_on = {n: v for n, v in found.items() if _FOR_CALLERS.fullmatch(n)}
        if "x-request-id" in found:
            passed_on[UPSTREAM_REQUEST_ID] = found["x-request-id"]
        return {n: v for n, v in passed_on.items() if _TELLABLE.fullmatch(v)}

    def put_back(self, read: bytes) -> None:
        """Bytes that have been read are read once more."""
        self._put_back = read + self._put_back

    async def read(self) -> bytes:
        """The next bytes as they come; empty at the end. Raises Unavailable if it was cut."""
        if self._put_back:
            read, self._put_back = self._put_back, b""
            return read
        chunk: bytes = await _or_unavailable(self._response.content.readany(), "broke off")
        return chunk

    async def all(self) -> bytes:
        """The whole body. Raises Unavailable if it was cut, or does not end."""
        body = bytearray()
        while chunk := await self.read():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise Unavailable(
                    f"An answer had more than {MAX_ANSWER_BYTES:,} bytes.", "Ask again."
                )
        return bytes(body)

    def close(self) -> None:
        """At its end the connection is used again; before that it is shut."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class Completions:
    def __init__(self, settings: "Settings", credential: Credential) -> None:
        self.settings, self.credential = settings, credential
        self._session: ClientSession | None = None
        self._token: Callable[[], Awaitable[str]] | None = None

    async def send(
        self, body: bytes, endpoint: str | None = None, path: str = "chat/completions"
    ) -> Reply:
        """Post a request to one of the service's APIs; returns when the answer's headers are there.
        Raises Unavailable; if nothing was sent because nobody vouches for the app, Denied or
        NotSent.

        `endpoint` is another resource that the app's settings name; the app's identity needs a
        role there too, for its key is of its own resource and is not sent elsewhere.
        """
        headers = {**HEADERS, **await self._credentials(elsewhere=endpoint is not None)}
        base = endpoint or self.settings.openai_endpoint
        url = f"{base}/openai/v1/{path}"
        # A file is sent bit by bit, so that other streams go on.
        post = self._open_session().post(
            url, data=BytesIO(body), headers=headers, allow_redirects=False
        )
        reply = Reply(await _or_unavailable(post, "did not answer"))
        encoding = reply.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            reply.close()
            raise Unavailable(
                "Azure OpenAI answered in an encoding that was not asked for.",
                "Have what stands between leave answers as they are; then ask again.",
            )
        return reply

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _open_session(self) -> "ClientSession":
        import aiohttp

        if self._session is None:
            # How long an answer may take is for whoever asks to say.
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            # No limit on connections: a slow deployment must not make the others wait for one.
            connector = aiohttp.TCPConnector(limit=0)
            # Nothing is unpacked here: a few bytes could become all of the memory.
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=connector, auto_decompress=False
            )
        return self._session

    async def _credentials(self, elsewhere: bool) -> dict[str, str]:
        if self.settings.openai_key and not elsewhere:
            return {"api-key": self.settings.openai_key}
        if self._token is None:
            self._token = token_provider(self.credential(), self.settings.openai_scope)
        try:
            return {"authorization": f"Bearer {await self._token()}"}
        except AzureError as error:
            problem = no_token("chat", error)
            if isinstance(problem, Denied):
                raise problem from error
            raise NotSent(problem.message, "Try again.") from error


async def _or_unavailable(doing: Awaitable[T], what: str) -> T:
    import aiohttp

    try:
        return await doing
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"Azure OpenAI {what}: {how(error)}.", "Try again.") from error
