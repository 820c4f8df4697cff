"""The emulator at an address, in the test's process, and a probe of it: time passes there as the
probe waits.

The tiny model really trains and answers; who asks nothing of it does not wait for it.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from local.emulator.app import Emulator, build_app
from local.emulator.language.model import LanguageModel
from tests.probe.deviant import Deviant, Deviation
from tunedrop.probe.memory import Memory
from tunedrop.probe.running import run
from tunedrop.probe.session import Session
from tunedrop.probe.target import Target, emulated
from tunedrop.probe.wire import Clock, Wire

KEY = "a-key-for-tests"
WEIGHTS = Path(__file__).parents[2] / ".local" / "models"
# Of the emulator's seconds: every state is seen however slow this machine is, and few times.
SLOW: dict[str, Any] = {
    "file_seconds": 60,
    "creating_seconds": 60,
    "readiness_gap_seconds": 60,
    "deleting_seconds": 60,
}
LEAST_PAUSE, WHILE_TRAINING = 25.0, 2.0
GOING_ON = ("pending", "running")
REAL_PAUSE = 0.005  # for the threads that train and answer


class Probed:
    def __init__(self, emulator: Emulator, front: "Front", url: str) -> None:
        self.emulator, self.front, self.url = emulator, front, url
        self.least_pause = LEAST_PAUSE

    @property
    def clock(self) -> Clock:
        return Clock(self.emulator.context.clock.now, self._pause)

    def _pause(self, seconds: float) -> None:
        """A training takes the time of this machine, however slow that is: while one goes on, time
        passes slowly."""
        most = WHILE_TRAINING if self._is_training() else max(seconds, self.least_pause)
        self.emulator.context.clock.advance(most)
        time.sleep(REAL_PAUSE)

    def _is_training(self) -> bool:
        now = self.emulator.context.clock.now()
        jobs = self.emulator.context.store.family("job")
        return any(one["_startable_at"] <= now and one["status"] in GOING_ON for one in jobs)

    def target(self, **more: Any) -> Target:
        return replace(emulated(self.url), key=KEY, **more)

    def session(self, folder: Path, most_usd: float | None = None, **more: Any) -> Session:
        target = self.target(**more)
        memory = Memory.at(folder / "state.json", target.endpoint)
        return Session(Wire(target, self.clock), memory, most_usd)

    def run(self, folder: Path, *areas: str) -> Session:
        """A whole probe of these areas."""
        session = self.session(folder)
        run(session, areas, lambda area: None)
        return session

    def plant(self, deviations: Sequence[Deviation]) -> None:
        self.front.now = Deviant(self.front.app, deviations)

    def what_is_there(self) -> dict[str, list[str]]:
        """Names of files, jobs (by suffix), models and deployments."""
        store = self.emulator.context.store
        kinds = {"file": "filename", "job": "suffix", "model": "id", "deployment": "name"}
        return {
            kind: [str(one.get(key)) for one in store.family(kind)] for kind, key in kinds.items()
        }

    def made(self, kind: str) -> int:
        """How many were made since the test began."""
        address = f"{self.url}/_emulator/journal?effect={kind}&change=created&limit=1000"
        with urllib.request.urlopen(address) as answer:
            return len(json.load(answer)["data"])

    def as_it_came(self) -> None:
        self.front.now, self.least_pause = self.front.app, LEAST_PAUSE
        asked = json.dumps({"parts": ["state", "settings", "faults", "journal"]}).encode()
        urllib.request.urlopen(f"{self.url}/_emulator/reset", asked).close()
        self.emulator.context.settings.change(dict(SLOW))


class Front:
    """The app, or the app with deviations around it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = self.now = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.now if scope["type"] == "http" else self.app)(scope, receive, send)


@contextmanager
def emulator_at(folder: Path) -> Iterator[Probed]:
    emulator = Emulator(
        folder, LanguageModel("tiny", WEIGHTS, folder / "adapters"), KEY, warm=False
    )
    emulator.context.settings.change(dict(SLOW))
    front = Front(build_app(emulator, "127.0.0.1", []))
    server = uvicorn.Server(uvicorn.Config(front, port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(REAL_PAUSE)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Probed(emulator, front, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()
