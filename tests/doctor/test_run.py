"""How checks are run, without Azure: side by side, each with a deadline, none lost."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

import shared.doctor
from shared.cloud.rest import RawResponse
from shared.doctor import CheckResult, State, as_json, run_checks
from shared.doctor.context import Context, open_context
from shared.doctor.result import blocked, ok, problem
from shared.errors import NotFound


async def good(ctx: Context) -> list[CheckResult]:
    """good, good:TWICE | It has two results."""
    return [ok("good", "First."), problem("good:TWICE", "Second.", "Fix it.")]


async def raises(ctx: Context) -> list[CheckResult]:
    """raises | It fails."""
    raise ValueError("SECRET")


async def waits(ctx: Context) -> list[CheckResult]:
    """waits, waits:NAME | It needs another one."""
    raise NotFound(blocked("good"))


async def hangs(ctx: Context) -> list[CheckResult]:
    """hangs | It never ends."""
    return await asyncio.Event().wait() and []


async def test_a_check_that_fails_or_hangs_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.doctor, "CHECKS", (hangs, raises, good, waits, good))
    results = await run_checks({}, canary_seconds=0, deadline=0.2)
    assert [(result.id, result.state, result.message) for result in results] == [
        ("hangs", State.UNKNOWN, "No answer within 0 s."),
        ("raises", State.UNKNOWN, "The check itself failed (ValueError)."),
        ("good", State.OK, "First."),
        ("good:TWICE", State.PROBLEM, "Second."),
        ("waits", State.UNKNOWN, "Not checked: needs good."),
        ("good", State.OK, "First."),
        ("good:TWICE", State.PROBLEM, "Second."),
    ]


def test_the_json_has_a_message_and_a_fix_for_each_check() -> None:
    assert as_json([ok("a", "Fine."), problem("b", "Broken.", "Repair it.")]) == {
        "healthy": False,
        "checks": [
            {"id": "a", "state": "ok", "message": "Fine.", "fix": ""},
            {"id": "b", "state": "problem", "message": "Broken.", "fix": "Repair it."},
        ],
    }


async def test_all_clients_share_one_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """So its tokens are fetched once, and it is closed once."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token")
    monkeypatch.setenv("IDENTITY_HEADER", "local")
    environ = {"TunedropStorage__blobServiceUri": "https://127.0.0.1:9"}
    async with open_context(environ, lambda: datetime.now(UTC), 0) as context:
        assert context.clients.storage.credential is context.rest.credential()
        assert context.rest.credential() is context.rest.credential()


@dataclass
class StuckRest:
    """A client whose calls never end by themselves."""

    calls: int = 0
    cancelled: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def data(self, *_: object) -> RawResponse:
        self.calls += 1
        self.called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return RawResponse(200, {})


async def test_a_right_is_tried_once_and_not_left_running() -> None:
    environ, rest = {"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com"}, StuckRest()
    async with open_context(environ, lambda: datetime.now(UTC), 0) as context:
        context.rest = rest  # type: ignore[assignment]
        checks = [asyncio.create_task(context.response("chat")) for _ in range(3)]
        await rest.called.wait()
        checks[0].cancel()  # one that is over its deadline; the others still need the response
        await asyncio.wait(checks[:1])
        assert (rest.calls, rest.cancelled) == (1, 0)
    assert (rest.calls, rest.cancelled) == (1, 1)
    await asyncio.wait(checks)
