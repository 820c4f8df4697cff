"""files/import: the service fetches a dataset itself, from a public address or a SAS URL.

Really fetched, by http or https only: neither a local file nor another protocol is taken, not by a
redirect either. The answer comes at once; whether the fetch worked is in the file's status.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..core.context import Component, Context
from ..core.errors import ServiceError, invalid
from ..core.protocol import created, json_body
from .file import File
from .files import Files

TIMEOUT_SECONDS = 60
FAILED = "fileImportFailed"  # S-AUTH


class FileImports(Component):
    def __init__(self, context: Context, files: Files) -> None:
        super().__init__(context)
        self._files = files

    def routes(self) -> list[Route]:
        return [Route("/files/import", self.start, methods=["POST"])]

    def fail_interrupted(self) -> None:
        """A fetch that ended with the process is not begun again; the file's status says so."""
        for file in self._files.stored():
            if file.is_fetching:
                self._finish(_failed(file, "The import was interrupted."))

    async def start(self, request: Request) -> JSONResponse:
        body = await json_body(request)
        url, name, purpose = (body.get(key) for key in ("content_url", "filename", "purpose"))
        if not isinstance(url, str) or not _is_http(url):
            raise invalid("content_url must be an http or https address.")
        if not isinstance(name, str) or not name:
            raise invalid("filename must be a text.")
        if not isinstance(purpose, str):
            raise invalid("purpose must be a text.")
        begun = self._files.begin(name, purpose, body.get("expires_after"))
        file = replace(begun, is_fetching=True)
        self._files.add(file)
        shown = self._files.shown(file)
        threading.Thread(target=self._fetch, args=(file, url), daemon=True).start()
        return created(request, shown)

    def _fetch(self, file: File, url: str) -> None:
        try:
            request = urllib.request.Request(url)
            with _opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
                file = self._files.write(file, _chunks(answer))
        except (OSError, ValueError, HTTPException) as error:
            file = _failed(file, _reason(error))
        except ServiceError as error:
            file = _failed(file, error.message)
        self._finish(file)

    def _finish(self, file: File) -> None:
        if not self._files.update(replace(file, is_fetching=False)):  # deleted meanwhile
            self._files.path(file.id).unlink(missing_ok=True)


def _failed(file: File, reason: str) -> File:
    return file.failed(f"{FAILED}: {reason}")


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
