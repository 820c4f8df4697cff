"""Requests as the Functions host gives them to a route of the app, without a host."""

from typing import Any

from starlette.requests import Request


def request(run_id: str, name: str = "", body: bytes = b"") -> Request:
    """About a run: `name` is of a document or a command."""
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
    scope |= {"query_string": b"", "path_params": {"id": run_id, "name": name}}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)
