"""What a request for a fine-tuning job may say, and how the service repeats it. Pure.

Knows the words of the API; not which models or files exist.
"""

import re
from typing import Any

from .errors import invalid

# Clients write it in every case and once as a number; the service repeats camelCase (S-FT, S-AUTH).
# That a missing one means Standard, and 1 GlobalStandard, is [inferred].
TRAINING_TYPES = {
    "standard": "standard",
    "globalstandard": "globalStandard",
    "developertier": "developerTier",
    "developer": "developerTier",
    "1": "globalStandard",
}
SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")  # S-AUTH; no dots
HYPERPARAMETERS = ("batch_size", "learning_rate_multiplier", "n_epochs")
AUTO = "auto"
UNRESOLVED = -1  # how "auto" is repeated until the job has decided (S-FT)


def training_type(value: object) -> str:
    if value is None:
        return "standard"
    known = TRAINING_TYPES.get(str(value).lower())
    if known is None:  # a wrong type is refused in the same words as a wrong model (S-DOC)
        raise invalid("The specified base model does not support fine-tuning.")
    return known


def suffix_of(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not SUFFIX.fullmatch(value):
        raise invalid("The suffix must have at most 40 characters of A-Z, a-z, 0-9, '-' and '_'.")
    return value


def parse_method(body: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The method as it will be repeated (None if not sent) and the hyperparameters, from whichever
    of the two places in the body holds them."""
    method = body.get("method")
    if method is None:
        return None, _checked(body.get("hyperparameters"))
    if not isinstance(method, dict):
        raise invalid("The method must be an object.")
    kind = method.get("type")
    if kind != "supervised":
        raise invalid(f"The method {kind!r} is not supported by this emulator.")
    section = method.get("supervised") or {}
    if not isinstance(section, dict):
        raise invalid("The method's settings must be an object.")
    hyperparameters = _checked(section.get("hyperparameters"))
    echoed = echoed_hyperparameters(hyperparameters)
    return {"type": kind, kind: {"hyperparameters": echoed}}, hyperparameters


def echoed_hyperparameters(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values.get(name, UNRESOLVED) for name in HYPERPARAMETERS}


def _checked(raw: object) -> dict[str, Any]:
    """Only the values that were decided; "auto" is left out."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise invalid("The hyperparameters must be an object.")
    values = {
        name: raw[name] for name in HYPERPARAMETERS if raw.get(name) not in (None, AUTO, UNRESOLVED)
    }
    for name, value in values.items():
        whole = isinstance(value, int) or name == "learning_rate_multiplier"
        if isinstance(value, bool) or not isinstance(value, int | float) or not whole or value <= 0:
            raise invalid(f"The hyperparameter {name} must be a positive number, not {value!r}.")
    return values
