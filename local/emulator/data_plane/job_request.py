"""What a request for a fine-tuning job may contain, and how the service repeats it. Pure.

Knows the API's keys and values; not which models or files exist.
"""

import re
from typing import Any

from ..core.errors import invalid

# Clients write it in every case and once as a number; the service repeats camelCase (S-FT, S-AUTH).
# That a missing one means Standard, and 1 GlobalStandard, is [inferred].
TRAINING_TYPES = {
    "standard": "standard",
    "globalstandard": "globalStandard",
    "developertier": "developerTier",
    # As Microsoft's SDK of fine-tuning sessions spells it, and as the documentation calls it; for
    # jobs both are [inferred].
    "datazonestandard": "datazoneStandard",
    "datazone": "datazoneStandard",
    "developer": "developerTier",
    "1": "globalStandard",
}
SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")  # S-AUTH; no dots
COMMON = ("batch_size", "learning_rate_multiplier", "n_epochs")
# S-AUTH. l2_multiplier is taken and repeated but not used: what it multiplies is not documented.
OF_METHOD = {"supervised": COMMON, "dpo": (*COMMON, "beta", "l2_multiplier")}
WHOLE = {"batch_size", "n_epochs"}
MAX_EPOCHS, MAX_NUMBER = 10_000, 1e6  # a bound of the emulator, not of the service
AUTO = "auto"
UNRESOLVED = -1  # how "auto" is repeated until the job has decided (S-FT)
MAX_PAIRS, MAX_KEY_LENGTH, MAX_VALUE_LENGTH = 16, 64, 512  # metadata (S-V1)
MAX_SEED = 2**31


def training_type(value: object) -> str:
    if value is None:
        return "standard"
    name = TRAINING_TYPES.get(str(value).lower())
    if name is None:  # a wrong type is refused with the same message as a wrong model (S-DOC)
        raise invalid("The specified base model does not support fine-tuning.")
    return name


def suffix_of(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not SUFFIX.fullmatch(value):
        raise invalid("The suffix must have at most 40 characters of A-Z, a-z, 0-9, '-' and '_'.")
    return value


def seed_of(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_SEED:
        raise invalid(f"The seed must be a whole number from 0 to {MAX_SEED - 1}.")
    return value


def metadata_of(value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MAX_PAIRS:
        raise invalid(f"The metadata must be an object of at most {MAX_PAIRS} pairs.")
    for key, text in value.items():
        if not isinstance(text, str) or len(key) > MAX_KEY_LENGTH or len(text) > MAX_VALUE_LENGTH:
            raise invalid(
                f"Metadata are texts: keys of at most {MAX_KEY_LENGTH} characters, values of at"
                f" most {MAX_VALUE_LENGTH}."
            )
    return value


def parse_method(body: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The method as it will be repeated (None if not sent) and the hyperparameters, from whichever
    of the two places in the body holds them."""
    method = body.get("method")
    if method is None:
        return None, _checked(body.get("hyperparameters"), "supervised")
    if not isinstance(method, dict):
        raise invalid("The method must be an object.")
    kind = method.get("type")
    if not isinstance(kind, str) or kind not in OF_METHOD:
        raise invalid(f"The method {kind!r} is not supported by this emulator.")
    section = method.get(kind) or {}
    if not isinstance(section, dict):
        raise invalid("The method's settings must be an object.")
    hyperparameters = _checked(section.get("hyperparameters"), kind)
    return echoed_method(kind, hyperparameters), hyperparameters


def echoed_method(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    echoed = {name: values.get(name, UNRESOLVED) for name in OF_METHOD[kind]}
    return {"type": kind, kind: {"hyperparameters": echoed}}


def echoed_hyperparameters(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values.get(name, UNRESOLVED) for name in COMMON}


def _checked(raw: object, kind: str) -> dict[str, Any]:
    """Only the values that were decided; "auto" is left out."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise invalid("The hyperparameters must be an object.")
    values = {
        name: raw[name] for name in OF_METHOD[kind] if raw.get(name) not in (None, AUTO, UNRESOLVED)
    }
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (name in WHOLE and not isinstance(value, int)) or value <= 0:
            raise invalid(f"The hyperparameter {name} must be a positive number, not {value!r}.")
        if value > (MAX_EPOCHS if name == "n_epochs" else MAX_NUMBER):
            raise invalid(f"The hyperparameter {name} is too large: {value!r}.")
    return values
