"""The checks of functions as they were declared and called before there were tools.

The format still has `functions` and `function_call`, as deprecated; what they hold is looked at as
tools are. That no role is called `function` any more is told in `shape`.
"""

from collections.abc import Iterator
from typing import Any

from shared.dataset.checks.formats import CURE_OF_FUNCTIONS
from shared.dataset.checks.shape import at, objects
from shared.dataset.checks.tools import DeclaredTools, check_called, check_declaration
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import quoted
from shared.dataset.reading.examples import Example
from shared.dataset.reading.limits import PER_FINDING, Steps


def declared_functions(example: Example, steps: Steps) -> DeclaredTools:
    """Raises limits.TooComplex."""
    schemas: dict[str, Any] = {}
    findings: list[RawFinding] = []
    listed = example.get("functions")
    if not isinstance(listed, list | None) or listed == []:
        problem = f"`functions` is {quoted(listed)}."
        findings.append(RawFinding("tools-invalid", problem, path=("functions",)))
    for index, function in enumerate(listed if isinstance(listed, list) else []):
        path = ("functions", index)
        steps.spend(PER_FINDING, "checking the functions")
        if isinstance(function, dict):
            findings += check_declaration(function, index, path, schemas)
        else:
            problem = f"Function {index} is {quoted(function)}, not an object."
            findings.append(RawFinding("tools-invalid", problem, path=path))
    understood = all(finding.id != "tools-invalid" for finding in findings)
    return DeclaredTools(schemas, tuple(findings), listed, 0, understood)


def function_calls(example: Example) -> list[tuple[int, Any]]:
    """(message, call) for every message that has one."""
    listed = [(index, message.get("function_call")) for index, message in objects(example)]
    return [(index, call) for index, call in listed if call is not None]


def functions_are_right(example: Example, steps: Steps) -> Iterator[RawFinding]:
    """Raises limits.TooComplex."""
    calls = function_calls(example)
    if example.get("functions") is None and not calls:
        return
    told = ["functions"] * ("functions" in example) + ["function_call"] * bool(calls)
    message = f"The example has {' and '.join(f'`{name}`' for name in told)}."
    yield RawFinding("functions-legacy", message, path=tuple(told[:1]), fix=CURE_OF_FUNCTIONS)
    declared = declared_functions(example, steps)
    yield from declared.findings
    roles = {index: message.get("role") for index, message in objects(example)}
    for index, call in calls:
        path = at(index, "function_call")
        if roles[index] != "assistant":
            problem = f"A message from the {quoted(roles[index])} calls a function."
            yield RawFinding("tool-call-misplaced", problem, index, path)
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            problem = f"`function_call` is {quoted(call)}, without a name."
            yield RawFinding("tool-call-invalid", problem, index, path)
        else:
            for finding in check_called(call, index, path, declared, steps):
                undeclared = finding.id == "tool-undeclared"
                fix = "Declare it in `functions`." if undeclared else finding.fix
                yield finding._replace(fix=fix)
