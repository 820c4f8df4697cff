"""docs/endings.md: what the service says, whose move it is and what to do, from the tables."""

from collections.abc import Iterable

from shared.cloud.causes import Cause, Then
from shared.cloud.denials import WHO_ASKS
from shared.cloud.job_errors import JOB_ERRORS
from shared.cloud.refusals import BLOCKING

THEN = {
    Then.RETRY: "`tunedrop retry RUN`",
    Then.LESS: "`tunedrop deploy RUN --capacity N`, the one that fits where it is told",
    Then.OTHER: "`tunedrop deploy RUN --sku SKU`, with one that the model has",
    Then.DROP: "drop the dataset again: it is another run",
    Then.NOTHING: "",
    Then.WAITS: "nothing: the run waits and goes on by itself",
}
_PAGE = """# Why a run ends or waits

What the service answers, whose move it is, and what brings the run on then. Runs and
`tunedrop doctor` read the same tables ([`shared/cloud/`](../shared/cloud): `denials`, `refusals`,
`job_errors`), and each message has the service's own sentence in it.

The **code** decides first. Words decide where there is no code or one that is used for many
things. What no table knows is passed on as it is: a 400, and a file that the service could not
use, are then the caller's to mend; a job that fails without a known reason is the service's.

What has been trained is kept, whatever happened to its deployment: `tunedrop deploy RUN --sku S
--capacity N` deploys it, and so does the same dataset dropped with another `deployment` in
run.yaml. Neither trains or pays again. A deployment lives in the region of the app's account.

This page is made by `python3 dev.py docs`.

## The service does not let the app in

{denials}

## A deployment is refused

{deployments}

## A file or a job is refused, or a job fails

{jobs}
"""
_HEAD = "| code, or words | what it is | whose move | what to do | then |\n|---|---|---|---|---|"


def page() -> str:
    return _PAGE.format(
        denials=_table(WHO_ASKS), deployments=_table(BLOCKING), jobs=_table(JOB_ERRORS)
    )


def _table(causes: Iterable[Cause]) -> str:
    return "\n".join([_HEAD, *map(_row, causes)])


def _row(cause: Cause) -> str:
    codes = [f"`{code}`" for code in cause.written]
    words = [f"“{cause.says}”"] if cause.says else []
    cells = [
        "<br>".join([", ".join(codes)] * bool(codes) + words),
        cause.name,
        cause.whose,
        cause.cure(),
        THEN[cause.then],
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
