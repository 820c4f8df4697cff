"""Answers of the management routes that are alike: errors, with whose move each is.

Knows what a status means, no route.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from starlette.responses import JSONResponse, Response

from shared.chat.parsing import BadRequest
from shared.errors import (
    AccessDenied,
    CallerError,
    Forbidden,
    NotFound,
    NotNow,
    SettingError,
    TunedropError,
)

_STATUS = {AccessDenied: 401, Forbidden: 403, NotFound: 404, NotNow: 409, SettingError: 503}
P = ParamSpec("P")


def error_responses(body: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
    """An error becomes a response with its message, its fix and who can act on it."""

    @wraps(body)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return await body(*args, **kwargs)
        except BadRequest as error:
            return problem(error, error.status)
        except CallerError as error:
            return problem(error, _STATUS.get(type(error), 400))
        except TunedropError as error:
            return problem(error, 503)

    return answer


def problem(error: TunedropError, status: int) -> Response:
    return JSONResponse({"error": told(error)}, status)


def told(error: TunedropError) -> dict[str, str]:
    return {"message": error.message, "fix": error.fix, "blame": error.blame}
