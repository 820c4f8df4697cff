"""What a run is asked to do: the drop's run.yaml over the app's defaults.

Knows the keys and their bounds, not how they are carried out.
"""

from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import DropError
from shared.settings import Settings

LARGEST = 64_000  # bytes of a run.yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hyperparameters(Strict):
    """None lets the service choose ("auto")."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=256)] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | None = None
    beta: Annotated[float, Field(gt=0, le=2)] | None = None  # of dpo alone

    def chosen(self) -> dict[str, float | int]:
        return self.model_dump(exclude_none=True)


class DeploymentSpec(Strict):
    sku: str
    capacity: Annotated[int, Field(ge=1)]


class Spec(Strict):
    """The effective spec: every default filled in, so that it can be compared and digested."""

    base_model: str
    method: Literal["supervised", "dpo"] = "supervised"
    hyperparameters: Hyperparameters = Hyperparameters()
    seed: int | None = None
    budget: Annotated[float, Field(ge=0)] | None = None  # USD, for the training
    training_type: str
    deployment: DeploymentSpec
    start: Literal["auto", "manual"] = "auto"

    @model_validator(mode="after")
    def _beta_is_of_dpo(self) -> Self:
        if self.hyperparameters.beta is not None and self.method != "dpo":
            raise ValueError("hyperparameters.beta is for `method: dpo` alone")
        return self


def defaults(settings: Settings) -> dict[str, object]:
    return {
        "base_model": settings.base_model,
        "training_type": settings.training_type,
        "budget": settings.budget or None,
        "deployment": {
            "sku": settings.deployment_sku,
            "capacity": settings.deployment_capacity,
        },
    }


def effective(run_yaml: bytes | None, settings: Settings) -> Spec:
    """The spec of a drop. Raises DropError that names the key and the nearest known one."""
    asked = _parsed(run_yaml) if run_yaml else {}
    merged = defaults(settings)
    for key, value in asked.items():
        below = merged.get(key)
        merged[key] = {**below, **value} if _both_objects(below, value) else value  # type: ignore[dict-item]
    try:
        spec = Spec.model_validate(merged)
    except ValidationError as error:
        raise DropError(_sentences(error), "Correct run.yaml and drop it again.") from None
    if settings.budget and spec.budget is not None and spec.budget > settings.budget:
        raise DropError(
            f"run.yaml: budget is {spec.budget:g}; at most {settings.budget:g} USD are allowed.",
            "Ask for less, or ask whoever runs the app to raise TUNEDROP_BUDGET.",
        )
    return spec


def _parsed(run_yaml: bytes) -> dict[str, object]:
    import yaml

    if len(run_yaml) > LARGEST:
        raise DropError(f"run.yaml has {len(run_yaml)} bytes.", f"At most {LARGEST} are read.")
    try:
        # A few lines of aliases can stand for more than memory holds.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(run_yaml)):
            raise DropError("run.yaml uses aliases (*name).", "Write each value where it belongs.")
        asked = yaml.safe_load(run_yaml)
    except RecursionError:
        raise DropError("run.yaml is nested too deeply.", "Write it flat.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f" in line {line + 1}" if line is not None else ""
        raise DropError(f"run.yaml is not YAML{where}.", "Correct it and drop it again.") from None
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise DropError("run.yaml holds no keys.", "Write lines like `base_model: NAME`.")
    return asked


def _both_objects(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _sentences(error: ValidationError) -> str:
    return " ".join(_sentence(problem["loc"], problem) for problem in error.errors())


def _sentence(place: tuple[int | str, ...], problem: object) -> str:
    key = ".".join(map(str, place))
    kind, message = problem["type"], problem["msg"]  # type: ignore[index]
    if not place:  # two keys that do not go together
        return f"run.yaml: {message.removeprefix('Value error, ')}."
    if kind != "extra_forbidden":
        return f"run.yaml: {key} is {problem['input']!r}: {message}."  # type: ignore[index]
    near = _nearest(key)
    return f"run.yaml: {key} is not a key{f'; did you mean {near}' if near else ''}."


def _nearest(key: str) -> str:
    """The known key that looks most like this one, also where only its place is wrong."""
    known = {name: name for name in _known_keys()}
    known |= {name.rpartition(".")[2]: name for name in _known_keys() if "." in name}
    near = get_close_matches(key, known, n=1)
    return known[near[0]] if near else ""


def _known_keys() -> list[str]:
    nested: dict[str, type[BaseModel]] = {
        "hyperparameters": Hyperparameters,
        "deployment": DeploymentSpec,
    }
    inner = [f"{key}.{name}" for key, kind in nested.items() for name in kind.model_fields]
    return [*Spec.model_fields, *inner]
