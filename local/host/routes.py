"""Route templates: what `runs/{id}` matches, and which of two matching routes is tried first.

Takes `{name}`, `{name?}` and `{*name}`, nothing else of ASP.NET's templates: one with more is
refused. Knows nothing of functions or HTTP servers.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<optional>\?)?\}")

LITERAL, MIXED, PARAMETER, CATCH_ALL = range(1, 5)  # ASP.NET's order


class RouteError(Exception):
    """A route template that this host cannot serve."""


@dataclass(frozen=True)
class Route:
    """One compiled template. `precedence` sorts: the smaller one is tried first."""

    template: str
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of this path (slashes at both ends ignored), or None."""
        found = self.pattern.fullmatch(path.strip("/"))
        if found is None:
            return None
        return {name: value for name, value in found.groupdict().items() if value}


def compile_route(template: str) -> Route:
    pattern, precedence = "", []
    for segment in filter(None, template.strip("/").split("/")):
        expression, rank, may_be_absent = _segment(segment)
        slash = "/" if pattern else ""
        pattern += f"(?:{slash}{expression})?" if may_be_absent else slash + expression
        precedence.append(rank)
    # ASP.NET compares literals without regard to case.
    return Route(template, re.compile(pattern, re.I), tuple(precedence))


def decoded_path(raw: bytes) -> str:
    """Percent-decoding as Kestrel does it: everything but an encoded slash."""
    return unquote(raw.decode("latin-1").replace("%2F", "%252F").replace("%2f", "%252f"))


def _segment(text: str) -> tuple[str, int, bool]:
    """One segment's regular expression, its rank and whether it may be absent."""
    parts = list(_PARAMETER.finditer(text))
    if "{" in _PARAMETER.sub("", text) or "}" in _PARAMETER.sub("", text):
        raise RouteError(
            f"the route segment '{text}' cannot be read: this host takes {{name}}, {{name?}} and "
            "{*name}; look at the value in the function"
        )
    if not parts:
        return re.escape(text), LITERAL, False
    expression, position = "", 0
    for part in parts:
        expression += re.escape(text[position : part.start()])
        position = part.end()
        # A lone parameter takes its whole segment; beside other text it takes as little as it can.
        width = ".*" if part["star"] else "[^/]+" if part[0] == text else "[^/]+?"
        expression += f"(?P<{part['name']}>{width})"
    expression += re.escape(text[position:])
    last = parts[-1]
    if parts[0][0] != text:
        return expression, MIXED, bool(last["star"] or last["optional"])
    return (
        expression,
        CATCH_ALL if last["star"] else PARAMETER,
        bool(last["star"] or last["optional"]),
    )
