"""The timer is dead and HTTP lives on: what comes by the app's own routes does its work."""

import ast
import inspect
from datetime import datetime
from types import SimpleNamespace

import pytest

import function_app
from shared.run import delivery
from shared.run.stages import Stage
from tests.chat import upstream as up
from tests.support.runs import RunHarness
from tests.support.timers import LONG, beat_of, done, silent_for, standing_in, without_timer


async def test_a_drop_comes_to_serve_by_chats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with up.upstream() as server, without_timer(server.url, monkeypatch) as parts:
        http, runs, standing = parts
        assert runs.clock
        await silent_for(runs, LONG)
        await runs.drop()
        run = await runs.received()
        chats = 0
        while (await runs.known(run.id)).stage is not Stage.SERVING:
            chats += 1
            assert chats < 60, (await runs.known(run.id)).stage
            body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
            assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
            await done(standing)
            runs.clock.advance(60)
        model = await runs.ctx.registry.load("m")
        assert model
        assert model.champion == 1


@pytest.mark.parametrize("path", ["/health", "/runs", "/models", "/v1/models"])
async def test_any_call_does_a_share(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with up.upstream() as server, without_timer(server.url, monkeypatch) as parts:
        http, runs, standing = parts
        silent = await silent_for(runs, LONG)
        assert (await http.get(path)).status_code == 200
        await done(standing)
        assert (await beat_of(runs)).last == runs.ctx.now()
        assert (await beat_of(runs)).ticked == silent


async def test_a_drop_does_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async with up.upstream() as server, without_timer(server.url, monkeypatch) as parts:
        _, runs, standing = parts
        silent = await silent_for(runs, LONG)
        (dropped,) = (
            builder._function.get_user_function()
            for builder in function_app.app._function_builders
            if builder._function.get_function_name() == "dataset_uploaded"
        )
        await runs.drop()
        await dropped(SimpleNamespace(blob_name=runs.path("training.jsonl")))
        await done(standing)
        assert (await beat_of(runs)).last > silent


async def test_notifications_are_told_without_a_timer(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[datetime] = []
    monkeypatch.setattr(delivery, "begin", lambda ctx: begun.append(ctx.now()))
    await silent_for(harness, LONG)
    await standing_in(harness).look()
    assert begun == [harness.ctx.now()]


def test_the_timer_does_nothing_that_a_share_does_not() -> None:
    """What is added to a tick goes into the one list, `ticking.ALSO`."""
    source = inspect.getsource(function_app)
    (body,) = (
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "keep_moving"
    )
    assert [line.strip() for line in body.splitlines() if "await " in line] == [
        "await ticking.tick(opened())"
    ]
