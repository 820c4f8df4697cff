"""files/import: the service fetches a dataset itself, from a public address or a SAS URL.

Really fetched, by http or https only: neither a local file nor another protocol can be named, not
by a redirect either. The answer comes at once; whether the fetch worked shows in the file's status.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .errors import ServiceError, invalid
from .files import Files
from .room import Common, Room
from .store import Document
from .wire import created, json_body

TIMEOUT_SECONDS = 60
FAILED = "fileImportFailed"  # S-AUTH


class Imports(Room):
    def __init__(self, common: Common, files: Files) -> None:
        super().__init__(common)
        self._files = files

    def routes(self) -> list[Route]:
        return [Route("/files/import", self.start, methods=["POST"])]

    def give_up_interrupted(self) -> None:
        """A fetch that died with the process is not begun again: the file says so."""
        for record in self._store.family("file"):
            if record.get("_fetching"):
                self._fail(record, "The import was interrupted.")

    async def start(self, request: Request) -> JSONResponse:
        body = await json_body(request)
        url, name, purpose = (body.get(key) for key in ("content_url", "filename", "purpose"))
        if not isinstance(url, str) or not _is_http(url):
            raise invalid("content_url must be an http or https address.")
        if not isinstance(name, str) or not name:
            raise invalid("filename must be a text.")
        if not isinstance(purpose, str):
            raise invalid("purpose must be a text.")
        record = self._files.begin(name, purpose, body.get("expires_after"))
        record["_fetching"] = True
        shown = self._files.put(record)
        threading.Thread(target=self._fetch, args=(record, url), daemon=True).start()
        return created(request, shown)

    def _fetch(self, record: Document, url: str) -> None:
        try:
            request = urllib.request.Request(url)
            with _opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
                self._files.write(record, _chunks(answer))
        except (OSError, ValueError, HTTPException) as error:
            self._fail(record, _reason(error))
        except ServiceError as error:
            self._fail(record, error.message)
        else:
            self._finish(record)

    def _fail(self, record: Document, why: str) -> None:
        record["_problem"] = f"{FAILED}: {why}"
        record["_processed_at"] = 0.0
        self._finish(record)

    def _finish(self, record: Document) -> None:
        done = {**record, "_fetching": False}
        if (
            self._store.change("file", record["id"], lambda kept: kept.update(done)) is None
        ):  # deleted meanwhile
            self._files.path(record["id"]).unlink(missing_ok=True)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _opener() -> urllib.request.OpenerDirector:
    """Only what http needs: the library's own opener would read files and speak ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    """Without the address: a SAS in it is a secret."""
    if isinstance(error, urllib.error.HTTPError):
        return f"The address answered {error.code}."
    return f"The address could not be read ({type(error).__name__})."


def _chunks(answer: Any) -> Iterator[bytes]:
    while chunk := answer.read(2**20):
        yield chunk
