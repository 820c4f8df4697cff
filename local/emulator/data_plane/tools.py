"""Functions that a caller offers or demands, in the three forms of the two APIs. Pure.

Forms: `tools` of a chat (a function inside of each), `functions` (chat's older one) and `tools` of
a response (each is a function itself). What a hosted tool would do, nothing here can.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from ..core.errors import InferenceError
from ..language.calls import ALWAYS, LEARNED, LIKELY, NEVER, Calls, Function
from ..language.dataset import Message
from ..language.grammar import call_error
from .parameters import bad, required, unsupported

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # S-OAI
MAX_TOOLS = 128  # S-OAI
NO_PARAMETERS = '{"type": "object", "properties": {}}'
LEAST = {"likely": LIKELY, "always": ALWAYS, "never": NEVER}


@dataclass(frozen=True)
class Tools:
    """`choice`: none, auto or required. `named`: the caller demanded this one function. `legacy`:
    it spoke of functions, not of tools."""

    functions: tuple[Function, ...] = ()
    choice: str = "auto"
    named: bool = False
    legacy: bool = False

    @property
    def told(self) -> tuple[Function, ...]:
        """What the model gets to know of."""
        return () if self.choice == "none" else self.functions

    @property
    def reason(self) -> str:
        """`finish_reason` of a call that is complete: "stop" where it was demanded by name
        (vllm#25054)."""
        return "stop" if self.named else "function_call" if self.legacy else "tool_calls"

    def calls(
        self, messages: list[Message], offered: str, *, learned: bool = False
    ) -> Calls | None:
        """What of it the answer may be or has to be; `offered` is the setting for "auto", `learned`
        whether the model was trained on calls. A result is answered in words: a small model would
        call again and again."""
        if not self.told:
            return None
        if self.choice == "required":
            return Calls(self.functions, ALWAYS)
        least = LEARNED if learned and offered == "likely" else LEAST[offered]
        return Calls(self.functions, NEVER if messages[-1].role == "tool" else least)


def of_chat(body: dict[str, Any]) -> Tools:
    if body.get("functions"):
        given = _list(body, "functions")
        functions = _functions([(f"functions[{n}]", one) for n, one in enumerate(given)])
        return _chosen(functions, "function_call", body.get("function_call"), legacy=True)
    inner = []
    for number, tool in enumerate(_list(body, "tools")):
        place = f"tools[{number}]"
        _check_type(place, tool)
        inner.append((f"{place}.function", tool.get("function")))
    return _chosen(_functions(inner), "tool_choice", body.get("tool_choice"))


def of_response(body: dict[str, Any]) -> Tools:
    tools = []
    for number, tool in enumerate(_list(body, "tools")):
        place = f"tools[{number}]"
        _check_type(place, tool)
        tools.append((place, tool))
    return _chosen(_functions(tools), "tool_choice", body.get("tool_choice"))


def _list(body: dict[str, Any], name: str) -> list[Any]:
    given = body.get(name) or []
    if not isinstance(given, list) or len(given) > MAX_TOOLS:
        raise bad(name, f"must be a list of at most {MAX_TOOLS}.")
    return given


def _check_type(place: str, tool: Any) -> None:
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise required(f"{place}.type")
    if tool["type"] != "function":
        kind = tool["type"][:80]
        raise bad(f"{place}.type", f"this emulator has functions only, not {kind!r}.")


def _functions(given: list[tuple[str, Any]]) -> tuple[Function, ...]:
    return tuple(_function(place, one) for place, one in given)


def _function(place: str, given: Any) -> Function:
    if not isinstance(given, dict):
        raise required(place)
    name = given.get("name")
    if name is None:
        raise required(f"{place}.name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad(f"{place}.name", "it must be 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.")
    parameters = json.loads(NO_PARAMETERS) | _object(f"{place}.parameters", given.get("parameters"))
    described, strict = given.get("description"), given.get("strict") is True
    function = Function(name, str(described or ""), json.dumps(parameters), strict)
    if reason := call_error(function):
        message = f"Invalid schema for function '{name}': {reason}"
        param = f"{place}.parameters"
        raise InferenceError(400, "invalid_function_parameters", message, param)
    return function


def _object(place: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(place, "must be an object.")
    return value


def _chosen(
    functions: tuple[Function, ...], param: str, choice: Any, *, legacy: bool = False
) -> Tools:
    if choice in (None, "auto", "none", "required"):
        if choice == "required" and not functions:
            message = "Tool choice 'required' must be specified with 'tools' parameter."
            raise InferenceError(400, "invalid_value", message, param)
        return Tools(functions, choice or "auto", legacy=legacy)
    if not isinstance(choice, dict):
        raise bad(param, "it must be none, auto, required or name a function.")
    if choice.get("type") == "allowed_tools":
        return _allowed(functions, param, choice.get("allowed_tools", choice))
    if choice.get("type", "function") != "function":
        raise unsupported(param)
    named = _named(functions, param, choice.get("function", choice))
    return Tools((named,), "required", named=True, legacy=legacy)


def _allowed(functions: tuple[Function, ...], param: str, given: Any) -> Tools:
    tools = given.get("tools") if isinstance(given, dict) else None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise bad(param, "allowed_tools needs a list of tools.")
    few = tuple(_named(functions, param, tool.get("function", tool)) for tool in tools)
    return _chosen(few, param, given.get("mode"))


def _named(functions: tuple[Function, ...], param: str, choice: Any) -> Function:
    name = choice.get("name") if isinstance(choice, dict) else None
    for function in functions:
        if function.name == name:
            return function
    # The sentence of the Responses API (vllm#40399); that chat has the same is [inferred].
    message = "Tool choice 'function' not found in 'tools' parameter."
    raise InferenceError(400, "invalid_value", message, param)
