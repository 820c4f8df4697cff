"""The chat's routes: each request to its operation of the relay, whatever path it comes by.

Also answers browsers that ask whether a page may call, and those whose settings cannot be read.
"""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from shared.chat.origins import wanted_method
from shared.chat.paths import NoSuchOperation, Operation, find
from shared.chat.protocol import Fault, code_of, error_response
from shared.chat.relay import Relay
from shared.chat.request_ids import echoed, request_id
from shared.errors import SettingError

log = logging.getLogger(__name__)

Work = Callable[[Relay, Request], Awaitable[Response]]

OPERATIONS: dict[Operation, Work] = {
    Operation.COMPLETE: Relay.complete,
    Operation.RESPOND: Relay.respond,
    Operation.COMPLETE_TEXT: Relay.complete_text,
    Operation.EMBED: Relay.embed,
    Operation.MODELS: Relay.models,
    Operation.MODEL: Relay.model,
    Operation.DEPLOYMENTS: Relay.deployments,
    Operation.DEPLOYMENT: Relay.deployment,
    Operation.RATE: Relay.rate,
}


async def answer(operation: Work, relay: Callable[[], Relay], request: Request) -> Response:
    """What the operation of the relay answers; where the app's settings cannot be read, so that
    there is no relay, which of them and why. Each has an id, also what nobody has foreseen."""
    id = request_id(request)
    try:
        ready = relay()
    except SettingError as error:
        return _identified(error_response(error, id), request, id)
    try:
        response = await operation(ready, request)
    except Exception:
        log.exception("the request %s could not be answered", id)
        response = error_response(Fault(), id)
    ready.origins.mark(request, response)
    return _identified(response, request, id)


def _identified(response: Response, request: Request, id: str) -> Response:
    response.headers.setdefault("x-request-id", id)
    response.headers.update(echoed(request))
    return response


async def answer_any(relay: Callable[[], Relay], request: Request) -> Response:
    """The same for any path and method that no route is for: `path` in the request's parameters."""
    return await answer(_any, relay, request)


async def _any(relay: Relay, request: Request) -> Response:
    wanted = wanted_method(request)
    try:
        target = find(wanted or request.method, request.path_params.get("path", ""))
    except NoSuchOperation as error:
        relay.refusals.add(code_of(error), "", request_id(request))
        return error_response(error, request_id(request))
    if wanted:
        return relay.origins.preflight(request)
    if target.model is not None:
        request.path_params["model"] = target.model
    return await OPERATIONS[target.operation](relay, request)
