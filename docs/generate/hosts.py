"""docs/hosts.md: what the host in Azure does with this app, and the tests that show it by host."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from tests.support.host_contract import CORE_TOOLS, ENGINE, LOCAL, Row, contract, shown

PAGE = """# The host's contract

The app runs under three programs: the Azure Functions host in Azure, the same host under Core Tools
(`func start`), and the [local host](design.md) of this project, which `dev.py up` starts. What the
first one does, as far as this app relies on it, stands here, a row each, with the documents or
source that say so, and the tests that hold the others to it. This page is made by
`python3 dev.py docs` from the tests.

{counts}

- **{local}**: `local/host`, in the tests of this project's suite.
- **{engine}**: `azure-functions-runtime` of PyPI, the code that runs Python apps
  in Azure. It has a part in the rows marked ◆; keys, queues and schedules are the host's, which no
  package has. Its tests need Python 3.13 or newer and are skipped where there is none.
- **{core_tools}**: the same stack with the real `func` ([local.md](local.md)); skipped where it is
  not installed. It has not been run by this project.

The Azure Functions host itself has never been run for this page: it was read. Where a row is wrong,
its source has been misunderstood or has changed.
"""


def page() -> str:
    head = PAGE.format(counts=_counts(), local=LOCAL, engine=ENGINE, core_tools=CORE_TOOLS)
    return "\n".join([head, *_groups(contract())])


def _counts() -> str:
    rows = contract()
    imitated = sum(not row.not_imitated for row in rows)
    of = {LOCAL: len(rows), ENGINE: sum(row.worker for row in rows), CORE_TOOLS: len(rows)}
    lines = [f"| {host} | {_shown_by(host)} | {count} |" for host, count in of.items()]
    left = f"{len(rows) - imitated} rows are not imitated by the local host, each with its reason."
    table = ["| host | rows with a test | rows that are its matter |", "|---|---|---|", *lines]
    return "\n".join([*table, "", left])


def _shown_by(host: str) -> int:
    return len({one.row for one in shown() if one.host == host})


def _groups(rows: Iterable[Row]) -> Iterator[str]:
    for group, listed in groupby(rows, key=lambda row: row.group):
        lines = "\n".join(map(_line, listed))
        head = "| in Azure the host … | source | tests |\n|---|---|---|"
        yield f"## {group}\n\n{head}\n{lines}\n"


def _line(row: Row) -> str:
    sources = ", ".join(f"[{number}]({url})" for number, url in enumerate(row.source, 1))
    return f"| {'◆ ' if row.worker else ''}{row.does} | {sources} | {_tests(row)} |"


def _tests(row: Row) -> str:
    if row.not_imitated:
        return f"not imitated: {row.not_imitated}"
    found = [one for one in shown() if one.row == row.name]
    return "<br>".join(
        f"{'' if one.host == LOCAL else f'{one.host}: '}`{one.path}::{one.test}`" for one in found
    )
