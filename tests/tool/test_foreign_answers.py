"""Commands against what is no app of this kind, with names that are none, and by somebody whom the
system has no name for: each ends with a sentence."""

import getpass
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.run.context import Context
from tests.support.management import served, tool
from tests.support.served import Versions
from tunedrop.errors import exit_on_error

NO_ROUTE = {"message": "There is no /api/x here.", "type": "invalid_request_error", "code": None}


@pytest.mark.parametrize(
    "error",
    [NO_ROUTE, "not found", ["x"], {"message": None, "fix": None}, {"message": 7}, {}, None],
)
async def test_an_error_in_the_form_of_others_is_told_as_none_of_this_app(error: Any) -> None:
    made = await Versions.serving(1)

    async def body(request: Request, ctx: Context) -> Response:
        return JSONResponse({"error": error}, 404)

    async with served(made.ctx, model=body, run=body, order=body) as app:
        asked = (("models", "captain"), ("sleep", "captain"), ("watch", "captain-12345678"))
        done = [await tool(app, *words) for words in asked]
    for result in done:
        assert result.exit_code == 3, result.exception
        assert f"{app} answered 404" in result.output
        assert "as new as this tool?" in result.output
        assert ("There is no /api/x here." in result.output) is (error is NO_ROUTE)


@pytest.mark.parametrize("value", [3, "x", [3], [None], [{"id": 3}], {"a": "b"}])
async def test_an_answer_of_another_shape_ends_with_a_sentence(value: Any) -> None:
    """A missing key did, and a key with something else in it was a traceback."""
    made = await Versions.serving(1)

    async def body(request: Request, ctx: Context) -> Response:
        names = ("runs", "models", "versions", "stage", "timeline", "total", "months", "history")
        return JSONResponse(dict.fromkeys(names, value))

    async with served(made.ctx, model=body, models=body, run=body, runs=body, cost=body) as app:
        asked = (["runs"], ["models"], ["models", "captain"], ["watch", "captain-1"], ["cost"])
        done = [await tool(app, *words) for words in asked]
    for words, result in zip(asked, done, strict=True):
        assert isinstance(result.exception, SystemExit | None), words
        assert result.exit_code == 3, words


def test_a_fault_of_the_tool_itself_is_not_told_as_the_apps() -> None:
    with pytest.raises(TypeError), exit_on_error():
        raise TypeError("of the tool")


@pytest.mark.parametrize("name", ["", "a/b", "..", "/@1"])
async def test_what_is_no_part_of_an_address_is_told_before_anything_is_asked(name: str) -> None:
    for command in ("models", "rollback", "sleep", "wake", "delete", "verdict", "watch", "cancel"):
        if command == "models" and not name:
            continue  # all models
        done = await tool("http://127.0.0.1:9", command, name)
        assert done.exit_code == 2, command
        assert "is no name of a model, a run or a key" in done.output, command


@pytest.mark.parametrize("id", ["", " ", "/", ".."])
async def test_a_trace_of_nothing_asks_for_an_id(id: str) -> None:
    done = await tool("http://127.0.0.1:9", "trace", id)
    assert (done.exit_code, "which chat? Give the x-request-id" in done.output) == (2, True)


@pytest.mark.parametrize("name", ["ünï", "x y", "x?y", "a%2Fb"])
async def test_a_name_that_an_address_cannot_hold_reaches_the_app(name: str) -> None:
    made = await Versions.serving(1)
    async with served(made.ctx) as app:
        for order in ("sleep", "wake", "rollback", "models"):
            done = await tool(app, order, name)
            assert done.exit_code == 2
            assert "There is no model" in done.output, order


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
async def test_an_order_of_somebody_without_a_name_is_of_whoever_holds_the_key(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that runs as a number."""

    def nobody() -> str:
        raise error("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    made = await Versions.serving(2)
    async with served(made.ctx) as app:
        done = [
            await tool(app, *words) for words in (("promote", "captain@1"), ("sleep", "captain"))
        ]
    assert [result.exit_code for result in done] == [0, 0], done
    assert (await made.model()).history[-1].who == "a holder of the app's key"
