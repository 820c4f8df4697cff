"""Finds the app's functions: imports `function_app.py` and applies the real worker's rules.

Each broken rule becomes one sentence, and one is enough to refuse the app, because in Azure such an
app shows no functions at all. Runs nothing and talks to nothing.
"""

import importlib
import inspect
import json
import os
import re
import sys
import traceback
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

from local.host.routes import RouteError, compile_route
from local.host.schedule import Schedule, ScheduleError
from local.host.settings import SettingsError, resolve

EVENT_GRID, SCAN = "EventGrid", "LogsAndContainerScan"
FASTAPI = "azurefunctions.extensions.http.fastapi"
TYPES = {
    "httpTrigger": f"the Request of {FASTAPI}",
    "timerTrigger": "azure.functions.TimerRequest",
    "blobTrigger": "a client of azurefunctions.extensions.bindings.blob",
}


class AppError(Exception):
    """The app cannot be loaded; the message is for its author."""


@dataclass(frozen=True)
class HttpTrigger:
    route: str
    methods: tuple[str, ...]  # empty: all
    auth_level: str


@dataclass(frozen=True)
class TimerTrigger:
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class BlobTrigger:
    path: str
    connection: str
    source: str  # EVENT_GRID or SCAN


@dataclass(frozen=True)
class Function:
    """One function of the app, ready to be called."""

    name: str
    call: Callable[..., Any]
    trigger: HttpTrigger | TimerTrigger | BlobTrigger
    parameter: str
    annotation: object
    wants_context: bool
    bindings: tuple[dict[str, Any], ...]

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.call)

    @property
    def full_name(self) -> str:
        """The name in queues, status blobs and webhook URLs."""
        return f"Host.Functions.{self.name}"


def load_app(folder: Path) -> ModuleType:
    """Import the app as the worker does: from its own folder, which is also the working folder."""
    name = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (folder / name).exists():
        raise AppError(f"There is no {name} in {folder}.")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(Path(name).stem)
    except ImportError as error:
        raise AppError(
            f"{_place(error, folder)}{error}. Install what requirements.txt lists into this Python "
            "(https://aka.ms/functions-modulenotfound)."
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever the app raises, its author wants the place
        raise AppError(f"{_place(error, folder)}{type(error).__name__}: {error}") from None


def index(module: ModuleType) -> tuple[list[Function], list[str]]:
    """The functions of the one app in the module, and every reason to refuse it."""
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    apps = list({id(app): app for app in apps}.values())
    if not apps:
        return [], [f"Could not find a top level FunctionApp instance in {module.__name__}.py."]
    if len(apps) > 1:
        return [], [f"More than one FunctionApp instance in {module.__name__}.py; keep one."]
    try:
        declared = apps[0].get_functions()
    except ValueError as error:
        return [], [str(error)]
    functions, problems = [], []
    for item in declared:
        try:
            functions.append(_function(item))
        except (AppError, SettingsError, ScheduleError, RouteError) as error:
            problems.append(f"Function '{item.get_function_name()}': {error}")
    return functions, [*problems, *_app_rules(functions)]


def uses_fastapi() -> bool:
    """Whether the app imported the FastAPI extension: it decides for all HTTP functions at once."""
    base = extensions()
    return base is not None and bool(base.HttpV2FeatureChecker.http_v2_enabled())


def extensions() -> Any | None:
    """The base of Microsoft's extensions, if the app imported one. The host itself never does."""
    return sys.modules.get("azurefunctions.extensions.base")


def _place(error: BaseException, folder: Path) -> str:
    """`file:line: ` of the last step in the app's own code, if any."""
    if isinstance(error, SyntaxError):
        return ""  # its text names file and line
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder) and "site-packages" not in frame.filename:
            return f"{Path(frame.filename).relative_to(folder)}:{frame.lineno}: "
    return ""


# ---- rules for one function ----------------------------------------------------------------------


def _function(item: Any) -> Function:
    name = item.get_function_name()
    call = item.get_user_function()
    bindings = tuple(json.loads(text) for text in item.get_raw_bindings())
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,127}", name):
        raise AppError("its name must be a letter, then letters, digits, '_' or '-'.")
    for binding in bindings:
        if binding["type"] not in ("httpTrigger", "timerTrigger", "blobTrigger", "http"):
            raise AppError(
                f"the binding type '{binding['type']}' is not supported by this local host; "
                "it runs HTTP, timer and blob triggers."
            )
    trigger = next(binding for binding in bindings if binding["type"].endswith("Trigger"))
    try:
        hints = typing.get_type_hints(call)
    except NameError as error:
        raise AppError(f"an annotation cannot be resolved at run time: {error}.") from None
    wants_context = _check_parameters(call, hints, trigger["name"])
    annotation = hints.get(trigger["name"])
    if not _accepts(trigger["type"], annotation):
        raise AppError(
            f"the type of the {trigger['type']} binding '{trigger['name']}' does not match its "
            f"Python annotation '{getattr(annotation, '__name__', annotation)}': write "
            f"{TYPES[trigger['type']]}."
        )
    if trigger["type"] == "blobTrigger":
        trigger["properties"] = {"SupportsDeferredBinding": True}  # as the worker adds it
    if trigger["type"] == "httpTrigger" and "return" in hints:
        _check_return(hints["return"])
    return Function(
        name, call, _trigger(name, trigger), trigger["name"], annotation, wants_context, bindings
    )


def _check_parameters(call: Callable[..., Any], hints: dict[str, Any], bound: str) -> bool:
    """Every parameter is the trigger or `context`; whether `context` is wanted."""
    names = set(inspect.signature(call).parameters)
    wants_context = "context" in names and bound != "context"
    if wants_context:
        names.remove("context")
        if getattr(hints.get("context", func.Context), "__name__", "") != "Context":
            raise AppError('the "context" parameter must be of type azure.functions.Context.')
    if extra := names - {bound}:
        raise AppError(
            f"these parameters are declared in Python but not in the decorators: {_list(extra)}."
        )
    if bound not in names:
        raise AppError(f"the binding '{bound}' is not a parameter of the Python function.")
    return wants_context


def _accepts(kind: str, annotation: object) -> bool:
    """Whether it is of the one kind that this host takes for the trigger; the worker takes more."""
    if not isinstance(annotation, type):
        return False
    if kind == "timerTrigger":
        return issubclass(annotation, func.TimerRequest)
    base = extensions()
    if base is None:
        return False
    if kind == "blobTrigger":
        return bool(base.get_binding_registry().check_supported_type(annotation))
    return uses_fastapi() and bool(base.RequestTrackerMeta.check_type(annotation))


def _check_return(annotation: object) -> None:
    # The worker refuses unions such as `Response | StreamingResponse` here.
    if not isinstance(annotation, type):
        raise AppError(f"the return annotation {annotation!r} is not a type; name one class.")
    base = extensions()
    if base is None or not base.ResponseTrackerMeta.check_type(annotation):
        raise AppError(
            f"the return annotation '{annotation.__name__}' does not match an HTTP response: "
            f"return one of {FASTAPI}."
        )


def _trigger(name: str, raw: dict[str, Any]) -> HttpTrigger | TimerTrigger | BlobTrigger:
    if raw["type"] == "httpTrigger":
        route = resolve(raw.get("route") or name)
        compile_route(route)
        if route.strip("/").split("/")[0].lower() in ("admin", "runtime"):
            raise AppError("the specified route conflicts with one or more built in routes.")
        methods = tuple(str(method).upper() for method in raw.get("methods", ()))
        return HttpTrigger(route, methods, str(raw.get("authLevel", "FUNCTION")).lower())
    if raw["type"] == "timerTrigger":
        schedule = Schedule(resolve(raw["schedule"]))
        return TimerTrigger(schedule, raw.get("runOnStartup", False), raw.get("useMonitor", True))
    path = resolve(raw["path"])
    if "{" in path.split("/", 1)[0]:
        raise AppError(f"the container in the path '{path}' cannot be a parameter.")
    return BlobTrigger(path, raw["connection"], raw.get("source", SCAN))


# ---- rules for the app ---------------------------------------------------------------------------


def _app_rules(functions: Sequence[Function]) -> Iterator[str]:
    http = [(item, item.trigger) for item in functions if isinstance(item.trigger, HttpTrigger)]
    taken: dict[tuple[str, str], str] = {}
    for item, trigger in http:
        for method in trigger.methods or ("any",):
            other = taken.setdefault((trigger.route.strip("/").lower(), method), item.name)
            if other != item.name:
                yield (
                    f"Function '{item.name}': the route specified conflicts with the route defined "
                    f"by function '{other}'."
                )
                break
    enabled = os.environ.get("PYTHON_ENABLE_INIT_INDEXING", "").lower() in ("1", "true", "yes")
    if http and uses_fastapi() and sys.version_info < (3, 13) and not enabled:
        yield (
            "The app uses HTTP streaming (azurefunctions.extensions.http.fastapi): on Python 3.12 "
            "and older the setting PYTHON_ENABLE_INIT_INDEXING=1 is required, in Azure too."
        )


def _list(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
