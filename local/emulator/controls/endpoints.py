"""The emulator's own controls under /_emulator: clock, faults, settings, journal, state, reset.

Used by tests and by the page. Open to every client that can reach the emulator, which listens on
this machine only by default and refuses pages of other sites; nothing here is part of Azure.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..core.context import Component, Context
from ..core.errors import ServiceError, invalid
from ..core.faults import FAULT_KINDS
from ..core.operations import NAMES
from ..core.protocol import json_body, whole_number
from ..core.settings import CHOICES

PAGE = Path(__file__).with_name("page.html")
# A hundred years: dates far beyond overflow in Python and in clients.
MAX_AHEAD_SECONDS = 3.2e9
# All of them are deleted by a reset of the state.
STATE_KINDS = (
    "file",
    "upload",
    "job",
    "event",
    "checkpoint",
    "model",
    "deployment",
    "deployed",
    "operation",
    "response",
    "response_item",
    "right",
)


class Controls(Component):
    def __init__(
        self,
        context: Context,
        summary: Callable[[], dict[str, Any]],
        clear_files: Callable[[], None],
    ) -> None:
        super().__init__(context)
        self._summary, self._clear_files = summary, clear_files

    def routes(self) -> list[Route]:
        return [
            Route("/_emulator", self.page, methods=["GET"]),
            Route("/_emulator/state", self.state, methods=["GET"]),
            Route("/_emulator/clock", self.clock, methods=["GET", "POST"]),
            Route("/_emulator/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_emulator/faults/{id}", self.disarm, methods=["DELETE"]),
            Route("/_emulator/settings", self.settings, methods=["GET", "PATCH"]),
            Route("/_emulator/journal", self.journal, methods=["GET", "DELETE"]),
            Route("/_emulator/reset", self.reset, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        return FileResponse(PAGE, media_type="text/html")

    async def state(self, request: Request) -> JSONResponse:
        return JSONResponse(
            {
                **self._summary(),
                "clock": self._time(),
                "faults": self._faults.armed(),
                "settings": self._settings.as_dict(),
            }
        )

    async def clock(self, request: Request) -> JSONResponse:
        """POST {"advance_seconds": N}, or {"to": "2027-04-14"}: a day or a moment, of UTC where it
        names no zone"""
        if request.method == "POST":
            body = await json_body(request)
            seconds = self._until(body["to"]) if "to" in body else body.get("advance_seconds")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise invalid(f"advance_seconds must be a number, not {seconds!r}.")
            if not 0 <= self._clock.ahead + seconds <= MAX_AHEAD_SECONDS or seconds < 0:
                raise invalid(f"The clock cannot be moved by {seconds} seconds.")
            self._clock.advance(seconds)
            self._summary()  # what has expired by now is deleted now
        return JSONResponse(self._time())

    async def faults(self, request: Request) -> JSONResponse:
        """POST {"fault": NAME, "operation"?, "count"?, "probability"?, "seed"?, options}"""
        if request.method == "POST":
            return JSONResponse(self._faults.arm(await json_body(request)), 201)
        if request.method == "DELETE":
            self._faults.clear()
        known = {
            name: {"strikes": kind.operations, "does": kind.description, "options": kind.options}
            for name, kind in FAULT_KINDS.items()
        }
        body = {"armed": self._faults.armed(), "known": known, "operations": NAMES}
        return JSONResponse(body)

    async def disarm(self, request: Request) -> JSONResponse:
        fault_id = request.path_params["id"]
        if not self._faults.disarm(fault_id):
            raise ServiceError(404, "notFound", f"No fault {fault_id!r} is armed.")
        return JSONResponse({"id": fault_id, "armed": False})

    async def settings(self, request: Request) -> JSONResponse:
        """PATCH {NAME: VALUE, ...}"""
        if request.method == "PATCH":
            self._settings.change(await json_body(request))
        return JSONResponse({**self._settings.as_dict(), "choices": CHOICES})

    async def journal(self, request: Request) -> JSONResponse:
        """?effect=job&change=created&operation=jobs.create&status=201&fault=...&after=N&limit=N"""
        if request.method == "DELETE":
            self._journal.clear()
        filters = dict(request.query_params)
        limit = whole_number(filters.pop("limit", str(10**6)))
        if limit is None or whole_number(filters.get("after", "0")) is None:
            raise invalid("limit and after must be whole numbers.")
        found = self._journal.entries(filters)
        data = found[-limit:] if limit else []
        return JSONResponse({"count": len(found), "data": data})

    async def reset(self, request: Request) -> JSONResponse:
        """POST, with {"parts": [...]} or nothing for all of them."""
        parts = {
            "state": self._clear_state,
            "faults": self._faults.clear,
            "settings": self._settings.reset,
            "clock": self._clock.reset,
            "journal": self._journal.clear,
        }
        body = await json_body(request, optional=True)
        chosen = body.get("parts", list(parts))
        if not isinstance(chosen, list) or any(part not in parts for part in chosen):
            raise invalid(f"parts must be a list of some of: {', '.join(parts)}.")
        for part in chosen:
            parts[part]()
        return JSONResponse({"reset": chosen})

    def _until(self, moment: object) -> float:
        try:
            then = datetime.fromisoformat(str(moment))
        except ValueError as error:
            raise invalid(f"to must be a day or a moment, not {moment!r}.") from error
        return then.replace(tzinfo=then.tzinfo or UTC).timestamp() - self._clock.now()

    def _clear_state(self) -> None:
        # Records first: a training that is under way finds its job gone and stops.
        self._store.clear(STATE_KINDS)
        self._clear_files()

    def _time(self) -> dict[str, float]:
        return {"now": self._clock.now(), "ahead_seconds": self._clock.ahead}
