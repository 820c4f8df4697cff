"""The emulator's own controls under /_emulator: clock, faults, settings, journal, state, reset.

What tests drive and the page shows. Open to whoever can reach the emulator, which listens on this
machine only; nothing here is part of Azure.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from .errors import ServiceError, invalid
from .faults import CATALOGUE
from .operations import NAMES
from .room import Common, Room
from .switches import CHOICES
from .wire import json_body

PAGE = Path(__file__).with_name("page.html")
# A hundred years: beyond it the calendar of Python and of every client ends in tears.
FURTHEST_SECONDS = 3.2e9
# "events" and the like belong to the jobs and go with them.
STATE_KINDS = (
    "file",
    "upload",
    "job",
    "event",
    "checkpoint",
    "model",
    "deployment",
    "operation",
    "right",
)


class Control(Room):
    def __init__(
        self, common: Common, summary: Callable[[], dict[str, Any]], forget: Callable[[], None]
    ) -> None:
        super().__init__(common)
        self._summary, self._forget = summary, forget

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
                "settings": self._switches.shown(),
            }
        )

    async def clock(self, request: Request) -> JSONResponse:
        """POST {"advance_seconds": N}"""
        if request.method == "POST":
            seconds = (await json_body(request)).get("advance_seconds")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise invalid(f"advance_seconds must be a number, not {seconds!r}.")
            if not 0 <= self._clock.ahead + seconds <= FURTHEST_SECONDS or seconds < 0:
                raise invalid(f"The clock cannot be moved by {seconds} seconds.")
            self._clock.advance(seconds)
            self._summary()  # whose time is up by now goes now
        return JSONResponse(self._time())

    async def faults(self, request: Request) -> JSONResponse:
        """POST {"fault": NAME, "operation"?, "count"?, "probability"?, "seed"?, options}"""
        if request.method == "POST":
            return JSONResponse(self._faults.arm(await json_body(request)), 201)
        if request.method == "DELETE":
            self._faults.clear()
        known = {
            name: {"strikes": kind.operations, "does": kind.says, "options": kind.options}
            for name, kind in CATALOGUE.items()
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
            self._switches.change(await json_body(request))
        return JSONResponse({**self._switches.shown(), "choices": CHOICES})

    async def journal(self, request: Request) -> JSONResponse:
        """?effect=job&change=created&operation=jobs.create&status=201&fault=...&after=N&limit=N"""
        if request.method == "DELETE":
            self._journal.clear()
        wanted = dict(request.query_params)
        limit = wanted.pop("limit", str(10**6))
        if not limit.isdigit() or not wanted.get("after", "0").isdigit():
            raise invalid("limit and after must be whole numbers.")
        found = self._journal.entries(wanted)
        data = found[-int(limit) :] if int(limit) else []
        return JSONResponse({"count": len(found), "data": data})

    async def reset(self, request: Request) -> JSONResponse:
        """POST, with {"parts": [...]} or nothing for all of them."""
        parts = {
            "state": self._forget_state,
            "faults": self._faults.clear,
            "settings": self._switches.reset,
            "clock": self._clock.reset,
            "journal": self._journal.clear,
        }
        body = await json_body(request) if await request.body() else {}
        wanted = body.get("parts", list(parts))
        if not isinstance(wanted, list) or any(part not in parts for part in wanted):
            raise invalid(f"parts must be a list of some of: {', '.join(parts)}.")
        for part in wanted:
            parts[part]()
        return JSONResponse({"reset": wanted})

    def _forget_state(self) -> None:
        # Records first: a training that is under way finds its job gone and stops.
        self._store.clear(STATE_KINDS)
        self._forget()

    def _time(self) -> dict[str, float]:
        return {"now": self._clock.now(), "ahead_seconds": self._clock.ahead}
