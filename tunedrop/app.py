"""A running app, asked over HTTP: with a key of the app or of its Functions host, or a token.

Knows how to ask, by which of two ways a key is taken, and what refusals mean; not what is asked,
nor which app is meant (`connection`).
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO

from shared.printable import shown
from tunedrop.connection import Connection, Token, connection, variable_of
from tunedrop.errors import CommandError, NotReached, Unknown, note_answer
from tunedrop.profiles import LAPTOP, name_for

CHUNK = 1 << 18
REVOKED = "key_revoked"  # the app's code for a key that it took before
MOST_SAID = 300  # characters of what something else has answered
# What the host asks no key for.
OPEN = ("v1", "openai", "feedback", "health", "console", "openapi.json", "manage")


class Way(StrEnum):
    """By which routes the app is asked, and with which header: the app's own (`manage/`), which
    take its keys and tokens, or those that the Functions host opens with a key of its."""

    MANAGE = "manage"
    HOST = "host"


@dataclass(frozen=True)
class App:
    """Every method raises CommandError if the app does not do what it is asked for, and NotReached
    if it cannot be reached, wants another key, or does not answer as expected."""

    url: str
    key: str = field(default="", repr=False)
    host_key: str = field(default="", repr=False)
    master_key: str = field(default="", repr=False)
    token: Token | None = field(default=None, repr=False)
    ways: list[Way] = field(default_factory=list, repr=False, compare=False)  # that was taken

    @classmethod
    def at(cls, url: str, key: str) -> "App":
        """The app at this address; without one, the one that is meant here. Raises CommandError."""
        return cls.of(connection(url, key))

    @classmethod
    def of(cls, asked: Connection) -> "App":
        return cls(asked.url, asked.key, asked.host_key, asked.master_key, asked.token)

    def get(self, path: str) -> dict[str, Any]:
        return self.object_of(*self.request(path))

    def post(self, path: str, body: dict[str, Any] | bytes) -> dict[str, Any]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.object_of(*self.request(path, sent))

    def read(self, path: str) -> bytes:
        """A document as it is."""
        status, body = self.request(path)
        if status >= 300:
            self.object_of(status, body)
        return body

    def request(
        self, path: str, body: bytes | None = None, timeout: float = 60
    ) -> tuple[int, bytes]:
        """Status and body of any answer; `timeout` in seconds."""
        try:
            with self._asked(path, body, timeout) as response:
                return response.status, response.read()
        except Refused as refused:
            return refused.status, refused.body

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
        except Refused as refused:
            self.object_of(refused.status, refused.body)
            raise AssertionError("a refusal's status is one") from refused

    @contextmanager
    def answering(
        self, path: str, body: dict[str, Any], timeout: float = 120
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Headers and lines of an answer that comes bit by bit. `timeout`: seconds of silence.
        Raises Refused for one with an error's status."""
        with self._opened(path, json.dumps(body).encode(), timeout) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield headers, self._lines(response)

    def _lines(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            yield from response
        except (http.client.HTTPException, OSError):
            raise NotReached(f"the answer of {self.url} was cut off.", "Ask again.") from None

    @contextmanager
    def _asked(
        self, path: str, body: bytes | None, timeout: float
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer while its body is read. Raises Refused for one with an error's status."""
        with self._opened(path, body, timeout) as response:
            try:
                yield response
            except http.client.HTTPException:
                raise NotReached(f"the answer of {self.url} was cut off.", "Ask again.") from None
            except OSError as error:
                raise self._unreachable(error) from None

    def _opened(self, path: str, body: bytes | None, timeout: float) -> http.client.HTTPResponse:
        """By the way that was taken before, or the first that takes what there is to sign in
        with. A refusal of it changes nothing, so the other can be asked."""
        if not _is_managed(path):
            of_host = path.startswith("admin/")
            headers = self._of_host(self.master_key) if of_host else self._direct()
            return self._open(path, headers, body, timeout)
        refusals: list[Refused] = []
        possible = [Way.MANAGE, Way.HOST] if self.key or self.token else [Way.HOST]
        for way in self.ways or possible:
            target = path.replace("api/", "api/manage/", 1) if way is Way.MANAGE else path
            try:
                response = self._open(target, self._headers(way), body, timeout)
            except Refused as refused:
                if not refused.leaves_a_way(body):
                    self.ways[:] = [way]
                    raise
                refusals.append(refused)
            else:
                self.ways[:] = [way]
                return response
        raise next((one for one in refusals if one.status != 401), refusals[0])

    def _headers(self, way: Way) -> dict[str, str]:
        if way is Way.MANAGE:
            return {**self._direct(), "x-tunedrop": "1"}
        return self._of_host(self.host_key)

    def _of_host(self, key: str) -> dict[str, str]:
        bearer = {"authorization": f"Bearer {self.token()}"} if self.token else {}
        key = key or self.host_key or self.key
        return {**bearer, "x-functions-key": key} if key else bearer

    def _direct(self) -> dict[str, str]:
        if self.token:
            return {"authorization": f"Bearer {self.token()}"}
        return {"api-key": self.key} if self.key else {}

    def _open(
        self, path: str, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> http.client.HTTPResponse:
        address = f"{self.url}/{path}"
        if not address.startswith(("https://", "http://")):
            raise CommandError(f"{shown(self.url)} is no web address.", "Give --app https://NAME….")
        request = urllib.request.Request(address, body, headers)
        try:
            response: http.client.HTTPResponse = _OPENER.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, _read(error)) from None
        except http.client.HTTPException:
            raise NotReached(f"the answer of {self.url} was cut off.", "Ask again.") from None
        except OSError as error:
            raise self._unreachable(error) from None
        return response

    def _unreachable(self, error: OSError) -> NotReached:
        reason, fix = getattr(error, "reason", error), "Does the app run?"
        if name_for(self.url) == LAPTOP:  # the file of a stack may outlive it
            fix += " `python3 dev.py up` starts a stack; --profile asks another app."
        return NotReached(f"{self.url} could not be reached: {reason}.", fix)

    def _check_size(self, size: int, told: str | None) -> None:
        """Read bit by bit, a body that ends too early raises nothing."""
        if told is not None and told != str(size):
            raise NotReached(
                f"the answer of {self.url} was cut off after {size:,} of {shown(told)} bytes.",
                "Ask again.",
            )

    def object_of(self, status: int, body: bytes) -> dict[str, Any]:
        """What an answer says. Raises CommandError for a refusal."""
        found = parse_object(body)
        if status < 300 and found:
            return found
        problem = found.get("error")
        problem = problem if isinstance(problem, dict) else {}
        message, fix = problem.get("message"), problem.get("fix")
        if status == 401 and problem.get("code") != REVOKED:
            raise self.unexpected_status(status)
        if isinstance(message, str) and isinstance(fix, str):
            kind = NotReached if status >= 500 or status in (401, 403) else CommandError
            raise kind(message, fix)
        raise self.unexpected_status(status, message)

    def unexpected_status(self, status: int, said: object = None) -> CommandError:
        """What to say of an answer that is not this app's, and of a key that it does not take."""
        if status == 401:
            what = "does not take this key" if self.key or self.token else "wants a key"
            if variable := variable_of(self.key):
                what = f"does not take the key in {variable}, which goes before that of a login"
                return NotReached(f"{self.url} {what}.", f"Correct {variable}, or unset it.")
            return NotReached(
                f"{self.url} {what}.",
                f"Sign in with `tunedrop login {self.url}`, or give a key with --key: one of the "
                "app with the role reader or operator, or one of its Functions host.",
            )
        if 300 <= status < 400:
            return NotReached(
                f"{self.url} wants people to sign in before it is asked ({status}).",
                f"Sign in with `tunedrop login {self.url} --entra api://CLIENT-ID`.",
            )
        words = f" ({shown(said, MOST_SAID)})" if isinstance(said, str) and said else ""
        return NotReached(
            f"{self.url} answered {status}{words}, not as this app does.",
            "Is it the right one, and as new as this tool?",
        )


class Refused(Exception):
    """An answer with an error's status."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status, self.body = status, body

    def leaves_a_way(self, sent: bytes | None) -> bool:
        """Whether the other way may take what this one does not: the key is not known here, this
        app is too old to have this way, or cannot read the settings that it needs for it."""
        error = parse_object(self.body).get("error")
        if self.status == 404:
            return not (isinstance(error, dict) and "fix" in error)
        return self.status == 401 or (self.status == 503 and bool(error) and sent is None)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would take the key along, to whatever host it names; no route has one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _is_managed(path: str) -> bool:
    first, _, rest = path.partition("?")[0].partition("/")
    return first == "api" and rest.partition("/")[0] not in OPEN


def _read(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except (OSError, http.client.HTTPException):
        return b""


def _write(file: BinaryIO, chunk: bytes) -> int:
    try:
        return file.write(chunk)
    except OSError as error:
        raise CommandError(
            f"what has come cannot be written: {error.strerror}.", "Look after the disk."
        ) from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty for anything else. What a command looks for in it or in an
    object within, and it does not have, raises Unknown."""
    note_answer()
    try:
        found = json.loads(body, object_hook=_Answered)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class _Answered(dict[str, Any]):
    """An object of an answer, of an app that may be older or newer than this tool."""

    def __missing__(self, key: str) -> Any:
        raise Unknown(
            f"the app's answer has no {key!r}, which this tool looks for in it.",
            "Update the older of the two; --json prints the answer as it is.",
        )
