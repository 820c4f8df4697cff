"""Lists of the control plane: `value`, and the address of the next page in `nextLink` (S-ARM).

The service's token is opaque; here it is the number of the page's first item. Knows no list.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from ..core.errors import ArmError
from ..core.protocol import whole_number

TOKEN = "$skipToken"


def listing(request: Request, items: list[dict[str, Any]], most: int) -> JSONResponse:
    """The page that is asked for, at most so long. Raises ArmError for a token that none gave."""
    given = request.query_params.get(TOKEN)
    first = 0 if given is None else whole_number(given)
    if first is None:
        raise ArmError(400, "InvalidParameter", f"The {TOKEN} {given!r} is not valid.")
    rest = items[first + most :]
    following = request.url.include_query_params(**{TOKEN: first + most}) if rest else None
    shown = items[first : first + most]
    return JSONResponse({"value": shown, "nextLink": str(following) if following else None})
