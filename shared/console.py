"""The files of the console's page, as they are served: with headers that let a browser run and load
nothing but them.

Knows files, nothing of what the page shows.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from shared.answering import problem
from shared.errors import NotFound
from shared.printable import shown

FOLDER = Path(__file__).parent.parent / "console"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
FILES = frozenset(
    path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in KINDS
)
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data: blob:; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types lit-html report",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page(request: Request) -> Response:
    """The one page. At `console/`, from where its addresses would lead nowhere, it is not."""
    if request.url.path.endswith("/"):
        return RedirectResponse("../console")
    return file("index.html")


def file(name: str) -> Response:
    """The names are the whole list of what may be asked for."""
    if name not in FILES:
        return problem(NotFound(f"The console has no {shown(name)!r}."), 404)
    kind = KINDS[Path(name).suffix]
    return FileResponse(FOLDER / name, headers={**HEADERS, "content-type": kind})
