"""What a run is asked to do: the drop's run.yaml over the app's defaults, within the app's limits.

A key that is null is a key that is not there: the app's default counts. `RunYaml` is strict, for it
is what strangers write; `Spec` is a part of the run's record and must stay readable.
Knows the keys and their bounds, not how they are carried out.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.catalog import facts
from shared.errors import DropError
from shared.run import release
from shared.run.release import AskedRelease, Release
from shared.run.run_yaml import FIX, Asked, read, shown
from shared.settings import Settings

MOST_PROBLEMS = 3  # that one message tells
LONGEST_KEY = 60  # characters of a key that is compared with the known ones
LONGEST_MODEL = 200  # characters of a model's name

NO_LIMITS: Mapping[str, Any] = {"budget": None, "unknown_price": "refuse", "start": "auto"}
UnknownPrice = Literal["refuse", "accept"]  # a run with a budget whose price is not known


class Strict(BaseModel):
    """Takes no bool for a number, no text for either, nothing that is not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Recorded(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hyperparameters(Strict):
    """None lets the service choose ("auto")."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=256)] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | None = None
    beta: Annotated[float, Field(gt=0, le=2)] | None = None  # of dpo alone

    def chosen(self) -> dict[str, float | int]:
        return self.model_dump(exclude_none=True)


class DeploymentSpec(Recorded):
    sku: str
    capacity: int  # thousands of tokens per minute


class Spec(Recorded):
    """The effective spec: every default filled in, so that it can be compared."""

    base_model: str
    method: Literal["supervised", "dpo"] = "supervised"
    hyperparameters: Hyperparameters = Hyperparameters()
    seed: int | None = None
    budget: float | None = None  # USD, for the training
    training_type: str
    deployment: DeploymentSpec
    start: Literal["auto", "manual"] = "auto"
    release: Release = Release()
    # Left out of the record where it is what every run had before there was a choice.
    unknown_price: UnknownPrice = Field("refuse", exclude_if=lambda chosen: chosen == "refuse")

    @property
    def limits(self) -> dict[str, Any]:
        """What decides whether and when it is trained, and not what comes of it."""
        return {key: getattr(self, key) for key in NO_LIMITS}

    def with_limits(self, limits: Mapping[str, Any]) -> Self:
        return self.model_copy(update=limits)

    def with_release(self, asked: Release) -> Self:
        return self.model_copy(update={"release": asked})


# ---- what may be asked for


def _model(name: str) -> str:
    if not 0 < len(name) <= LONGEST_MODEL or not all("!" <= letter <= "~" for letter in name):
        raise ValueError(
            f"a model's name has at most {LONGEST_MODEL} letters, digits and signs, and no blanks"
        )
    return name


def _tier(name: str) -> str:
    return _known(name, facts.TIERS)


def _sku(name: str) -> str:
    if "provisioned" in name.lower():
        raise ValueError(
            "provisioned deployments cost by the unit and hour, at a price that is not known here; "
            f"known are {_listed(facts.SKUS.values)}"
        )
    return _known(name, facts.SKUS.values)


def _known(name: str, names: dict[str, str]) -> str:
    """The service's own spelling of a name, whatever its letters' case."""
    if found := names.get(name.lower()):
        return found
    near = get_close_matches(name.lower()[:LONGEST_KEY], names, n=1)
    raise ValueError(
        f"known are {_listed(names)}" + (f"; did you mean {names[near[0]]}?" if near else "")
    )


def _listed(names: dict[str, str]) -> str:
    return ", ".join(dict.fromkeys(names.values()))


class AskedDeployment(Strict):
    sku: Annotated[str, AfterValidator(_sku)] | None = None
    capacity: Annotated[int, Field(ge=1)] | None = None


class RunYaml(Strict, AskedRelease):
    """The keys of a run.yaml. None is the app's default."""

    base_model: Annotated[str, AfterValidator(_model)] | None = None
    method: Literal["supervised", "dpo"] | None = None
    hyperparameters: Hyperparameters | None = None
    seed: Annotated[int, Field(ge=0, le=facts.SEED.most)] | None = None
    budget: Annotated[float, Field(ge=0)] | None = None
    training_type: Annotated[str, AfterValidator(_tier)] | None = None
    deployment: AskedDeployment | None = None
    start: Literal["auto", "manual"] | None = None
    unknown_price: UnknownPrice | None = None

    @model_validator(mode="after")
    def _beta_is_of_dpo(self) -> Self:
        beta = self.hyperparameters and self.hyperparameters.beta
        if beta is not None and self.method != "dpo":
            raise ValueError("hyperparameters.beta is for `method: dpo` alone")
        return self


def effective(run_yaml: bytes | None, settings: Settings) -> Spec:
    """The spec of a drop. Raises DropError that names the line, the key and what is known."""
    asked = read(run_yaml) if run_yaml else Asked({}, {})
    try:
        wanted = RunYaml.model_validate(asked.values)
    except ValidationError as error:
        raise DropError(_sentences(error, asked.lines), FIX) from None
    _check_limits(wanted, settings, asked.lines)
    asked_for = wanted.model_dump(exclude_none=True)
    asked_for["release"] = {key: asked_for.pop(key) for key in release.KEYS if key in asked_for}
    return Spec.model_validate(_over(defaults(settings), asked_for))


def defaults(settings: Settings) -> dict[str, Any]:
    return {
        "base_model": settings.base_model,
        "training_type": settings.training_type,
        "budget": settings.budget or None,
        "unknown_price": settings.unknown_price,
        "deployment": {
            "sku": settings.deployment_sku,
            "capacity": settings.deployment_capacity,
        },
        "release": release.defaults(settings),
    }


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = below.get(key)
        merged[key] = {**known, **value} if isinstance(known, dict) else value
    return merged


def _check_limits(wanted: RunYaml, settings: Settings, lines: dict[str, int]) -> None:
    """What the app's owner has set, no file lifts. Raises DropError."""
    if settings.budget and wanted.budget is not None and wanted.budget > settings.budget:
        raise _over_limit(
            f"{_place('budget', lines)}budget is {wanted.budget:g}; at most "
            f"{settings.budget:g} USD are allowed.",
            "TUNEDROP_BUDGET",
        )
    capacity = wanted.deployment and wanted.deployment.capacity
    if capacity and capacity > settings.largest_capacity:
        raise _over_limit(
            f"{_place('deployment.capacity', lines)}deployment.capacity is {shown(capacity, 20)}; "
            f"at most {settings.largest_capacity} (thousands of tokens per minute) are allowed.",
            "TUNEDROP_MAX_CAPACITY",
        )


def _over_limit(message: str, setting: str) -> DropError:
    return DropError(message, f"Ask for less, or ask whoever runs the app to raise {setting}.")


# ---- what was wrong


def _sentences(error: ValidationError, lines: dict[str, int]) -> str:
    problems = error.errors(include_url=False)
    told = [_sentence(problem["loc"], problem, lines) for problem in problems[:MOST_PROBLEMS]]
    more = len(problems) - MOST_PROBLEMS
    return " ".join(told) + (f" And {more} more." if more > 0 else "")


def _sentence(place: tuple[int | str, ...], problem: Any, lines: dict[str, int]) -> str:
    key = ".".join(map(str, place))
    message = problem["msg"].removeprefix("Value error, ")
    if not place:  # two keys that do not go together
        return f"run.yaml: {message}."
    where = _place(key, lines)
    if problem["type"] != "extra_forbidden":
        return f"{where}{key} is {shown(problem['input'], 40)}: {message}."
    near = _nearest(key)
    plain = key.isprintable() and shown(key, LONGEST_KEY) == repr(key)  # nothing of it is masked
    named = key if plain else shown(key, 40)
    return f"{where}{named} is not a key{f'; did you mean {near}' if near else ''}."


def _place(key: str, lines: dict[str, int]) -> str:
    return f"run.yaml, line {lines[key]}: " if key in lines else "run.yaml: "


def _nearest(key: str) -> str:
    """The known key that looks most like this one, also where only its place is wrong."""
    known = {name: name for name in _known_keys()}
    known |= {name.rpartition(".")[2]: name for name in _known_keys() if "." in name}
    near = get_close_matches(key, known, n=1) if len(key) <= LONGEST_KEY else []
    return known[near[0]] if near else ""


def _known_keys() -> list[str]:
    nested: dict[str, type[BaseModel]] = {
        "hyperparameters": Hyperparameters,
        "deployment": AskedDeployment,
    }
    inner = [f"{key}.{name}" for key, kind in nested.items() for name in kind.model_fields]
    return [*RunYaml.model_fields, *inner]
