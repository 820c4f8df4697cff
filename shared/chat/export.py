"""The answer to GET /models/{name}/examples: a dataset of rated answers, whole or not at all.

It is written to a file first, in memory or beside it, so that its length and what was left out are
told before its first byte: whoever gets less knows. Knows the answer, not what is in a line.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.chat.examples import Method
from shared.chat.feedback import FeedbackStore
from shared.chat.parsing import BadRequest
from shared.chat.rated import Rated
from shared.errors import Unavailable
from shared.printable import shown

IN_MEMORY = 8 << 20  # bytes of one export; the rest is in a file of the instance
CHUNK = 1 << 20

File = SpooledTemporaryFile[bytes]


async def examples(request: Request, model: str, store: FeedbackStore) -> Response:
    """Rated answers as lines for `?method=`; with `?provenance=1` instead where each of them comes
    from, in the same order. Raises BadRequest for another method, Unavailable for storage."""
    method = _method(request.query_params.get("method", Method.SUPERVISED))
    wanted = 1 if request.query_params.get("provenance") else 0
    left_out: Counter[str] = Counter()
    count = 0
    try:
        with ExitStack() as opened:
            file: File = opened.enter_context(SpooledTemporaryFile(IN_MEMORY))
            async for page in store.export(model, method, left_out):
                count += len(page)
                await asyncio.to_thread(_write, file, page, wanted)
            opened.pop_all()  # the response closes it
            return ExportResponse(file, count, left_out)
    except OSError as error:
        raise Unavailable(
            f"The instance cannot hold the export: {error.strerror}.", "Ask again later."
        ) from error


class ExportResponse(StreamingResponse):
    """Sends the file and closes it, also if its caller is gone before the first byte."""

    def __init__(self, file: File, count: int, left_out: Counter[str]) -> None:
        headers = {"content-length": str(file.tell()), "x-tunedrop-examples": str(count)}
        if left_out:
            told = (f"{reason}={number}" for reason, number in sorted(left_out.items()))
            headers["x-tunedrop-left-out"] = ", ".join(told)
        file.seek(0)
        super().__init__(_chunks(file), headers=headers, media_type="application/x-ndjson")
        self.file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.file.close()


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError:
        raise BadRequest(
            f"There are no examples for the method {shown(name)!r}.",
            f"Ask for {' or '.join(Method)}.",
            param="method",
        ) from None


def _write(file: File, page: list[Rated], wanted: int) -> None:
    file.write("".join(f"{pair[wanted]}\n" for pair in page).encode())


async def _chunks(file: File) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
