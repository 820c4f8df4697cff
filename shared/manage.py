"""The management routes a second time, for people whom the app itself knows: below `manage/`.

The host asks no key there. Knows which role each route needs and whose body answers; its table is
the list of what there is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from shared import (
    access,
    answering,
    api,
    cost_api,
    data_api,
    delete_api,
    drop_api,
    keys_api,
    model_api,
    tracing,
)
from shared.answering import error_responses
from shared.chat.callers import Role
from shared.chat.relay import Relay
from shared.chat.stored_keys import Revoked
from shared.errors import AccessDenied, Forbidden, NotFound
from shared.printable import shown
from shared.run.context import Context

# Routes for which the host asks no key: chat has its own, these show nothing of runs or models.
OPEN = frozenset(
    {"v1", "openai", "feedback", "health", "console", "openapi.json", "manage", "{*path}"}
)
SIGN_IN = "/.auth/login/aad"  # of App Service, where a tenant is configured


@dataclass(frozen=True)
class App:
    """What the bodies work with, opened when it is asked for. `environ`: the app's settings as they
    stand, for the doctor."""

    context: Callable[[], Context]
    relay: Callable[[], Relay]
    environ: Mapping[str, str]


Body = Callable[[Request, App], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    role: Role
    body: Body

    def match(self, method: str, path: str) -> dict[str, Any] | None:
        """The parameters in a path that this route is for."""
        regex, _, _ = compile_path(self.template)
        found = regex.fullmatch(path) if method == self.method else None
        return found.groupdict() if found else None


def _of(body: Callable[[Request, Context], Awaitable[Response]]) -> Body:
    return lambda request, app: body(request, app.context())


def _of_keys(body: Callable[[Request, Relay, Context], Awaitable[Response]]) -> Body:
    return lambda request, app: body(request, app.relay(), app.context())


async def _me(request: Request, app: App) -> Response:
    person = request.scope[access.SCOPE]
    return JSONResponse({"name": person.name, "role": person.role, "by": person.by})


async def _examples(request: Request, app: App) -> Response:
    return await model_api.examples(request, lambda: app.relay().feedback)


async def _data(request: Request, app: App) -> Response:
    return await data_api.data(request, app.context(), lambda: app.relay().feedback)


async def _merge(request: Request, app: App) -> Response:
    return await data_api.merge(request, app.context(), lambda: app.relay().feedback)


async def _trace(request: Request, app: App) -> Response:
    return await tracing.trace(request, app.context(), lambda: app.relay().trace_log)


async def _doctor(request: Request, app: App) -> Response:
    return await api.doctor(app.environ)


_see = partial(Route, "GET", role=Role.READER)
_ask = partial(Route, "POST", role=Role.READER)  # changes nothing
_command = partial(Route, "POST", role=Role.OPERATOR)

# The first that fits answers.
ROUTES = (
    Route("GET", "me", Role.CHAT, _me),
    _see("runs", body=_of(api.runs)),
    _see("runs/{id}", body=_of(api.run)),
    _see("runs/{id}/{name}", body=_of(api.document)),
    _command("runs/{id}/delete", body=_of(delete_api.run)),
    _command("runs/{id}/{name}", body=_of(api.command)),
    _see("staged/{id}", body=_of(drop_api.staged)),
    _see("staged/{id}/diff", body=_of(data_api.diff)),
    _command("staged/{id}/merge", body=_merge),
    _see("staged/{id}/{name}", body=_of(drop_api.document)),
    Route("PUT", "staged/{id}/{name}", Role.OPERATOR, _of(drop_api.put)),
    _command("staged/{id}/{name}", body=_of(drop_api.order)),
    _ask("plan", body=_of(api.plan)),
    _see("cost", body=_of(cost_api.cost)),
    _see("models", body=_of(model_api.models)),
    _see("models/{name}/examples", body=_examples),
    _see("models/{name}/data", body=_data),
    _see("models/{name}", body=_of(model_api.model)),
    _command("models/{name}/{order}", body=_of(model_api.order)),
    Route("GET", "keys", Role.OPERATOR, _of_keys(keys_api.keys)),
    _command("keys", body=_of_keys(keys_api.create)),
    _command("keys/{name}/{order}", body=_of_keys(keys_api.order)),
    _see("trace/{id:path}", body=_trace),
    _see("health", body=_of(api.health_seen)),
    _see("doctor", body=_doctor),
)


@error_responses
async def manage(request: Request, app: App) -> Response:
    """Any of the table, for whoever has the role that it needs."""
    route, params = _find(request.method, request.path_params.get("path", ""))
    settings = app.context().settings
    try:
        await access.admit(request, app.relay().auth, settings, route.role)
    except AccessDenied as error:
        return _denied(error, bool(settings.entra_tenant))
    request.path_params.update(params)
    return await route.body(request, app)


def _find(method: str, path: str) -> tuple[Route, dict[str, Any]]:
    """Raises NotFound."""
    for route in ROUTES:
        if (params := route.match(method, path.strip("/"))) is not None:
            return route, params
    raise NotFound(
        f"There is no {shown(method, 10)} {shown('/manage/' + path, 100)}.",
        "openapi.json lists what there is.",
    )


def _denied(error: AccessDenied, can_sign_in: bool) -> Response:
    """With the address where a browser signs in, where there is one."""
    status = 403 if isinstance(error, Forbidden) else 401
    told: dict[str, Any] = {**answering.told(error), "sign_in": SIGN_IN if can_sign_in else None}
    if isinstance(error, Revoked):
        told["code"] = "key_revoked"
    return JSONResponse({"error": told}, status)
