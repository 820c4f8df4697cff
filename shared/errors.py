"""What can go wrong, sorted by who can act on it.

TunedropError             a message that says what went wrong, and the fix
├── CallerError           whoever dropped, called or configured can act on it
│   ├── SettingError      an app setting is missing or cannot be read
│   ├── DropError         a blob that cannot become a run: its name, or its run.yaml
│   ├── TooCostly         a dataset whose check needs more time or memory than it may have
│   ├── NotFound          no such run, model, version
│   ├── NotNow            it exists, but its state does not allow what was asked
│   └── AccessDenied      no key, or a wrong one
│       └── Forbidden     somebody who is known, and may not do this
├── ServiceError          Azure did not do what was asked
│   ├── Unavailable       it may, if asked again later
│   │   ├── Throttled     429: there was too much, and nothing was done
│   │   ├── NotSent       this worker has kept back what it was about to send
│   │   ├── Denied        401, 403: it will, once somebody has given the app a right
│   │   ├── Unreadable    a stored record does not have the shape that it should have
│   │   │   └── Newer     it has one that only a newer version of this app knows
│   │   └── WorkerLost    the process that checks datasets has ended without an answer
│   └── Refused           asking again would not help
│       └── Blocked       nor would it until somebody has changed something in Azure
├── Conflict              another worker wrote the record first: read it again, decide again
└── Replaced              a dropped file is not the one that was taken: it was replaced or deleted

The message is safe to show to a person: no secret and nothing of a dataset is ever put into it,
and what a stranger has named (a file, a key) cannot steer the terminal or the log that shows it.
"""

from collections.abc import Mapping

from shared.printable import printable


class TunedropError(Exception):
    """Base of all errors that this project raises on purpose."""

    blame = "us"

    def __init__(self, message: str, fix: str = "") -> None:
        self.message, self.fix = printable(message), printable(fix)
        super().__init__(f"{self.message} {self.fix}".strip())


class CallerError(TunedropError):
    blame = "caller"


class SettingError(CallerError):
    pass


class DropError(CallerError):
    pass


class TooCostly(CallerError):
    pass


class NotFound(CallerError):
    pass


class NotNow(CallerError):
    pass


class AccessDenied(CallerError):
    pass


class Forbidden(AccessDenied):
    pass


class ServiceError(TunedropError):
    """`code`, `status` and `says` are the service's own: what it answered, and its sentence;
    empty where it did not."""

    blame = "service"

    def __init__(
        self,
        message: str,
        fix: str = "",
        *,
        code: str = "",
        blame: str = "",
        status: int = 0,
        says: str = "",
    ) -> None:
        super().__init__(message, fix)
        self.code, self.status, self.says = code, status, says
        self.blame = blame or type(self).blame


class Unavailable(ServiceError):
    """`retry_after` is in seconds; None where the service did not say. `headers` are those of the
    service's answer that whoever asked the app should see."""

    def __init__(
        self,
        message: str,
        fix: str = "",
        *,
        code: str = "",
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        status: int = 0,
        says: str = "",
    ) -> None:
        super().__init__(message, fix, code=code, status=status, says=says)
        self.retry_after = retry_after
        self.headers = headers or {}


class Throttled(Unavailable):
    pass


class NotSent(Unavailable):
    pass


class Denied(Unavailable):
    """A right counts minutes after it was given, so this is waited for like an outage."""

    blame = "caller"


class Unreadable(Unavailable):
    """Until somebody has put back a version that can be read."""


class Newer(Unreadable):
    """It is shown as far as it is understood, and never written: what this version does not know
    of would be lost."""


class WorkerLost(Unavailable):
    blame = "us"


class Refused(ServiceError):
    pass


class Blocked(Refused):
    """A lock, a policy, a quota, a disabled subscription: the fix says whose move it is."""

    blame = "caller"


class Conflict(TunedropError):
    pass


class Replaced(TunedropError):
    pass
