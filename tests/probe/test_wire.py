"""A probe's calls: a token goes to its own host alone, a 429 is waited for, and answers are read as
they are.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tunedrop.errors import NotReached
from tunedrop.probe.target import Target
from tunedrop.probe.wire import Clock, Reply, Wire


class Service:
    """Answers what it is given, one after the other, and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        self.asked: list[tuple[str, str]] = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self.asked.append((handler.path, handler.headers.get("authorization", "")))
                status, headers, body = left.pop(0)
                handler.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_: Any) -> None: ...  # noqa: N805

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Service":
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def wire(self, pauses: list[float] | None = None) -> Wire:
        paused = [] if pauses is None else pauses
        target = Target(self.url, self.url, "s", "g", "a", lambda audience: f"for {audience}")
        return Wire(target, Clock(lambda: 0.0, paused.append))


def test_a_redirection_is_an_answer_and_is_not_followed() -> None:
    with Service((302, {"location": "http://127.0.0.1:1/"}, b"")) as service:
        reply = service.wire().data("GET", "/models")
    assert (reply.status, reply.outcome) == (302, "302 -")
    assert len(service.asked) == 1


def test_an_address_of_another_host_is_not_followed() -> None:
    with Service() as service:
        wire = service.wire()
        assert wire.follow("http://fabrikam.example/operations/1") is None
        assert wire.follow(f"{service.url}.fabrikam.example/") is None
        assert wire.follow("") is None
    assert service.asked == []


def test_each_plane_gets_its_own_token() -> None:
    with Service((200, {}, b"{}"), (200, {}, b"{}"), (200, {}, b"{}")) as service:
        wire = service.wire()
        wire.data("GET", "/models")
        wire.arm("GET", "/deployments")
        wire.data("GET", "/models", headers={})
    assert [token for _, token in service.asked] == [
        "Bearer for https://cognitiveservices.azure.com",
        "Bearer for https://management.azure.com",
        "",
    ]


def test_429_is_waited_for_as_long_as_it_says_and_not_for_ever() -> None:
    busy = (429, {"retry-after": "7"}, b"{}")
    pauses: list[float] = []
    with Service(busy, (429, {"retry-after": "86400"}, b"{}"), (200, {}, b"{}")) as service:
        assert service.wire(pauses).data("GET", "/models").status == 200
    assert pauses == [7.0, 120.0]
    with Service(*[busy] * 6) as service:
        assert service.wire().data("GET", "/models").status == 429


def test_nobody_at_the_address_is_told_without_a_path() -> None:
    with Service() as service:
        wire = service.wire()
    with pytest.raises(NotReached) as told:
        wire.data("GET", "/files/file-1")
    assert "file-1" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b'{"error": {"code": "notFound", "message": "x"}}', "404 notFound"),
        (b'{"error": {"code": null}}', "404 -"),
        (b'{"error": "a text"}', "404 -"),
        (b"<html>a gateway</html>", "404 -"),
        (b"[]", "404 -"),
        (b"", "404 -"),
    ],
)
def test_a_refusal_in_any_form_is_read(content: bytes, outcome: str) -> None:
    assert Reply(404, {}, content).outcome == outcome


@pytest.mark.parametrize("content", [b'{"data": "none"}', b'{"data": [1, null]}', b"3", b""])
def test_a_list_in_any_form_is_read(content: bytes) -> None:
    assert Reply(200, {}, content).items == []
