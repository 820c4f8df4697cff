"""ASP.NET route templates: what `{id:int?}` matches, and which of two matching routes wins.

Pure text work: knows nothing of functions or HTTP servers.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import UUID

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<rules>(?::[^{}()=?]+(?:\((?:[^()]|\([^()]*\))*\))?)*)"
    r"(?:=(?P<default>[^{}?]*))?(?P<optional>\?)?\}"
)
_RULE = re.compile(r":([^():]+)(?:\(((?:[^()]|\([^()]*\))*)\))?")


class RouteError(Exception):
    """A route template that ASP.NET would refuse too."""


@dataclass(frozen=True)
class Route:
    """One compiled template. `precedence` sorts: the smaller one is tried first."""

    template: str
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Callable[[str], bool]], ...]
    defaults: Mapping[str, str]
    precedence: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of this path (slashes at both ends ignored), or None."""
        found = self.pattern.fullmatch(path.strip("/"))
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        if all(check(values[name]) for name, check in self.checks if name in values):
            return {**self.defaults, **values}
        return None


def compile_route(template: str) -> Route:
    pattern, precedence = "", []
    checks: list[tuple[str, Callable[[str], bool]]] = []
    defaults: dict[str, str] = {}
    for segment in filter(None, template.strip("/").split("/")):
        expression, rank, skippable = _segment(segment, checks, defaults)
        slash = "/" if pattern else ""
        pattern += f"(?:{slash}{expression})?" if skippable else slash + expression
        precedence.append(rank)
    # ASP.NET compares literals without regard to case.
    return Route(template, re.compile(pattern, re.I), tuple(checks), defaults, tuple(precedence))


def decoded_path(raw: bytes) -> str:
    """Percent-decoding as Kestrel does it: everything but an encoded slash."""
    return unquote(raw.decode("latin-1").replace("%2F", "%252F").replace("%2f", "%252f"))


def _segment(
    text: str, checks: list[tuple[str, Callable[[str], bool]]], defaults: dict[str, str]
) -> tuple[str, int, bool]:
    """One segment's regular expression, its rank (ASP.NET's) and whether it may be absent."""
    parts = list(_PARAMETER.finditer(text))
    if "{" in _PARAMETER.sub("", text) or "}" in _PARAMETER.sub("", text):
        raise RouteError(f"the route segment '{text}' cannot be read")
    if not parts:
        return re.escape(text), 1, False
    expression, position, skippable = "", 0, False
    for part in parts:
        expression += re.escape(text[position : part.start()])
        position = part.end()
        # A lone parameter takes its whole segment; beside other text it takes as little as it can.
        width = ".*" if part["star"] else "[^/]+" if part[0] == text else "[^/]+?"
        expression += f"(?P<{part['name']}>{width})"
        checks += [(part["name"], _constraint(*rule)) for rule in _RULE.findall(part["rules"])]
        if part["default"] is not None:
            defaults[part["name"]] = part["default"]
        skippable = bool(part["star"] or part["optional"] or part["default"] is not None)
    expression += re.escape(text[position:])
    if parts[0][0] != text:
        return expression, 2, False
    rank = (5 if parts[0]["star"] else 3) - (1 if parts[0]["rules"] else 0)
    return expression, rank + (1 if parts[0]["star"] else 0), skippable


def _constraint(name: str, argument: str) -> Callable[[str], bool]:
    plain: dict[str, Callable[[str], bool]] = {
        "int": lambda value: _number(value, -(2**31), 2**31 - 1),
        "long": lambda value: _number(value, -(2**63), 2**63 - 1),
        "bool": lambda value: value.lower() in ("true", "false"),
        "alpha": lambda value: re.fullmatch("[a-zA-Z]*", value) is not None,
        "guid": _is_guid,
        "decimal": _is_real,
        "double": _is_real,
        "float": _is_real,
        "datetime": lambda value: re.match(r"\d{1,4}[-/.]\d{1,2}", value) is not None,
        "required": lambda value: True,
        "regex": lambda value: re.search(argument, value, re.I) is not None,
    }
    if name in plain:
        return plain[name]
    bounds = [int(number) for number in argument.split(",") if number.strip().lstrip("-").isdigit()]
    if not bounds:
        raise RouteError(f"the route constraint '{name}' is not known")
    low, high = bounds[0], bounds[-1]
    sized: dict[str, Callable[[str], bool]] = {
        "minlength": lambda value: len(value) >= low,
        "maxlength": lambda value: len(value) <= high,
        "length": lambda value: low <= len(value) <= high,
        "min": lambda value: _number(value, low, 2**63 - 1),
        "max": lambda value: _number(value, -(2**63), high),
        "range": lambda value: _number(value, low, high),
    }
    if name not in sized:
        raise RouteError(f"the route constraint '{name}' is not known")
    return sized[name]


def _number(value: str, low: int, high: int) -> bool:
    return re.fullmatch(r"[+-]?\d+", value) is not None and low <= int(value) <= high


def _is_real(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_guid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
