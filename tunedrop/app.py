"""A running app, asked over HTTP: at its address with a Functions key, or the one that runs here.

Knows how to ask and what its refusals mean, not what it is asked.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from shared.printable import shown
from tunedrop.errors import CommandError

STACK = Path(".local/stack.json")  # of `dev.py up` or `demo`, in this folder or one around it
CHUNK = 1 << 18
MOST_SAID = 300  # characters of what something else has answered
KEYS = "az functionapp keys list --name APP --resource-group GROUP"


def local_stack() -> dict[str, Any]:
    """Addresses and keys of the stack that runs in this folder or in one around it. Raises
    CommandError."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        with suppress(OSError, ValueError):
            return dict(json.loads((folder / STACK).read_text(encoding="utf-8")))
    raise CommandError(
        "no stack runs in this folder or one around it: start it with `python3 dev.py up` and stay "
        "in its checkout, or name an app with --app."
    )


@dataclass(frozen=True)
class App:
    """Every method raises CommandError if the app cannot be reached or does not answer as
    expected."""

    url: str
    key: str = ""

    @classmethod
    def at(cls, url: str, key: str) -> "App":
        """The app at this address; without one, the app that runs here."""
        if url:
            return cls(url.rstrip("/"), key)
        stack = local_stack()
        return cls(str(stack["app_url"]), key or str(stack.get("function_key", "")))

    def get(self, path: str) -> dict[str, Any]:
        return self._object(*self.request(path))

    def post(self, path: str, body: dict[str, Any] | bytes) -> dict[str, Any]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._object(*self.request(path, sent))

    def request(
        self, path: str, body: bytes | None = None, timeout: float = 60
    ) -> tuple[int, bytes]:
        """Status and body of any answer; `timeout` in seconds."""
        try:
            with self._asked(path, body, timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def download(self, path: str, file: BinaryIO, timeout: float = 120) -> Mapping[str, str]:
        """Write the body of an answer into the file; its headers, by names in small letters.
        `timeout`: seconds of silence."""
        try:
            with self._asked(path, None, timeout) as response:
                size = 0
                while chunk := response.read(CHUNK):
                    size += _write(file, chunk)
                self._check_size(size, response.headers.get("content-length"))
                return {name.lower(): value for name, value in response.headers.items()}
        except urllib.error.HTTPError as error:
            self._object(error.code, error.read())
            raise AssertionError("an error's status is one") from error

    @contextmanager
    def _asked(
        self, path: str, body: bytes | None, timeout: float
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer while its body is read. Raises HTTPError for one with an error's status."""
        address = f"{self.url}/{path}"
        if not address.startswith(("https://", "http://")):
            raise CommandError(f"{self.url} is no web address: give --app https://NAME….")
        headers = {"x-functions-key": self.key} if self.key else {}
        request = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:  # nosec B310
                yield response
        except urllib.error.HTTPError:
            raise
        except http.client.HTTPException:
            raise CommandError(f"the answer of {self.url} was cut off: ask again.") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise CommandError(
                f"{address} could not be reached: {reason}. Does the app run?"
            ) from None

    def _check_size(self, size: int, told: str | None) -> None:
        """Read bit by bit, a body that ends too early raises nothing."""
        if told is not None and told != str(size):
            raise CommandError(
                f"the answer of {self.url} was cut off after {size:,} of {shown(told)} bytes: "
                "ask again."
            )

    def _object(self, status: int, body: bytes) -> dict[str, Any]:
        found = parse_object(body)
        if status < 300 and found:
            return found
        problem = found.get("error")
        problem = problem if isinstance(problem, dict) else {}
        message, fix = problem.get("message"), problem.get("fix")
        if isinstance(message, str) and isinstance(fix, str):
            raise CommandError(f"{message} {fix}".strip())
        raise self.unexpected_status(status, message)

    def unexpected_status(self, status: int, said: object = None) -> CommandError:
        """What to say of an answer that is not this app's."""
        if status == 401:
            return CommandError(f"{self.url} wants a Functions key: give one with --key: {KEYS}")
        words = f" ({shown(said, MOST_SAID)})" if isinstance(said, str) and said else ""
        return CommandError(
            f"{self.url} answered {status}{words}, not as this app does. Is it the right one, and "
            "as new as this tool?"
        )


def _write(file: BinaryIO, chunk: bytes) -> int:
    try:
        return file.write(chunk)
    except OSError as error:
        raise CommandError(f"what has come cannot be written: {error.strerror}.") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty for anything else."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
