"""Why a chat was not answered, as far as callers tell it apart. Knows kinds, not causes."""

from shared.errors import Unavailable


class Unanswered(Unavailable):
    """`http` is what its caller gets: status, type, stable code."""

    http = (503, "service_unavailable_error", "upstream_unavailable")


class OutOfTime(Unanswered):
    """A backend was asked, and had not begun to answer when its time was up."""


class ModelNotReady(Unanswered):
    """No version of the model serves, or its deployment is gone and has been requested again."""

    http = (503, "service_unavailable_error", "model_not_ready")


class ModelPaused(Unanswered):
    """The deployment is paused; only a person resumes it."""

    http = (503, "service_unavailable_error", "model_paused")


class ModelRetired(Unanswered):
    """The service has retired the model: this version answers no more."""

    http = (410, "invalid_request_error", "model_retired")


class NoDeployment(Unanswered):
    """The deployment is not there, and the app does not make it."""

    http = (502, "server_error", "no_deployment")


class NoAnswer(Unanswered):
    """The service answered with success, and with nothing in it that is an answer."""

    http = (502, "server_error", "upstream_no_answer")
