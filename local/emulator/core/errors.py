"""Refusals, in the bodies that Azure gives them. Knows nothing of the parts that refuse.

ServiceError          anything that the service refuses: a status, a code, a message
├── InferenceError    refused by chat: OpenAI's shape, with `type` and `param`
├── GatewayError      refused in front of the data plane, by network, key or block: two keys
└── ArmError          refused by the control plane: the same two, `code` and `message`
"""

from starlette.responses import JSONResponse

MAX_MESSAGE = 1000


class ServiceError(Exception):
    """A refusal by the data plane, in the envelope of the authoring API (S-AUTH)."""

    headers: dict[str, str] | None = None

    def __init__(self, status: int, code: str, message: str) -> None:
        # What is wrong may be megabytes; an answer repeats the beginning of it.
        message = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def body(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": self.message,
            "target": None,
            "details": [],
            "innererror": {"code": self.code},
        }

    def response(self) -> JSONResponse:
        return JSONResponse({"error": self.body()}, self.status, self.headers)


class InferenceError(ServiceError):
    """A refusal by chat; clients of OpenAI read `param` to learn what to leave out."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(status, code, message)
        self.param = param

    def body(self) -> dict[str, object]:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"code": self.code, "message": self.message, "param": self.param, "type": kind}


class GatewayError(ServiceError):
    """A refusal before any operation of the data plane has seen the call (S-403)."""

    def body(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message}


class ArmError(ServiceError):
    """A refusal by the control plane (S-ARM: code and message, nothing else)."""

    def body(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message}


def invalid(message: str) -> ServiceError:
    return ServiceError(400, "invalidPayload", message)


def resource_not_found() -> ServiceError:
    """A wrong path or a wrong api-version: Azure's code is the status as a string."""
    return ServiceError(404, "404", "Resource not found")
