"""A deployment that is not there when somebody chats: whether it comes, when, and whose move it is.

Knows what callers are told, not how a deployment is asked for (`shared/model/redeploy.py`).
"""

from math import ceil

from shared.chat.routing import Backend
from shared.chat.unanswered import ModelNotReady, NoDeployment
from shared.errors import Unavailable
from shared.model.redeploy import Asked

NOT_READY_SECONDS = 60.0  # until it is worth while to ask a deployment again that is not ready yet
_NO_OTHER = "For a chat, the app deploys the champion, the one before it and the newest version."


def asleep(backend: Backend, requested: Asked | None) -> Unavailable:
    """It was not asked: the app has removed its deployment. `requested`: it has been asked for
    again, or could not be; None: the app does not do that."""
    said = f"{backend.name} sleeps: its deployment was removed."
    if requested is not None and requested.denied:
        return NoDeployment(f"{said} {requested.denied}", _by_order(backend))
    if requested is not None:
        return _coming(f"{said} It", requested)
    return NoDeployment(f"{said} {_NO_OTHER}", _by_order(backend))


def gone(said: str, backend: Backend, requested: Asked | None) -> Unavailable:
    """The service says that there is none. `requested` as above."""
    if requested is not None and requested.denied:
        return NoDeployment(f"{said} {requested.denied}", _by_order(backend))
    if requested is not None:
        return _coming(f"{said} Its deployment", requested)
    if backend.model is not None:
        return NoDeployment(f"{said} {_NO_OTHER}", _by_order(backend))
    fix = (
        f"The app's administrators can make the deployment {backend.deployment}, or take it out of "
        "TUNEDROP_BASE_DEPLOYMENTS and TUNEDROP_CHAT_FALLBACK."
    )
    return NoDeployment(f"{said} The app does not make deployments of base models.", fix)


def _by_order(backend: Backend) -> str:
    return (
        f"Chat with {backend.model}, or ask the app's administrators for "
        f"`tunedrop wake {backend.name}`, which deploys this version."
    )


def _coming(what: str, requested: Asked) -> ModelNotReady:
    if not requested.stands:
        message = f"{what} could not be asked for again at this moment."
        return ModelNotReady(message, "Try again.", retry_after=NOT_READY_SECONDS)
    minutes = ceil(requested.seconds / 60)
    usual = "a minute" if minutes == 1 else f"{minutes} minutes"
    message = f"{what} has been asked for again; that usually takes {usual} from now."
    fix = requested.told or "Try again then."
    return ModelNotReady(message, fix, retry_after=requested.seconds)
