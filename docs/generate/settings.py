"""docs/settings.md: every app setting, from the settings' own table."""

from dataclasses import fields
from typing import Any

from shared.settings import REQUIRED, Settings

PAGE = """# App settings

Set these as app settings of the Functions app, or as `Values` in `local.settings.json` (copy
`local.settings.sample.json`). `dev.py up` and `dev.py demo` take them from the environment and from
`.env` ([local.md](local.md#settings)). This page is made by `python3 dev.py docs`.

{table}

The platform itself needs a few more:

| setting | what it is for |
|---|---|
| `AzureWebJobsStorage` (or `AzureWebJobsStorage__blobServiceUri`, …) | the Functions host's own \
storage: keys, locks, queues |
| `FUNCTIONS_WORKER_RUNTIME` | `python`; not on Flex Consumption, which has it in its own place |
| `PYTHON_ENABLE_INIT_INDEXING` | `1` on Python 3.11 and 3.12: streaming answers need it |
| `TunedropStorage__queueServiceUri` | with `TunedropStorage__blobServiceUri`: the blob trigger \
reports poisoned blobs in a queue |
| `TunedropStorage__credential`, `TunedropStorage__clientId` | `managedidentity` and the \
identity's client id: the blob trigger's own sign-in |"""


def page() -> str:
    return PAGE.format(table=table())


def table() -> str:
    rows = [
        f"| `{f.metadata['name']}` | {_default(f.metadata['default'])} | {f.metadata['doc']} |"
        for f in fields(Settings)
    ]
    return "\n".join(["| setting | default | what it is for |", "|---|---|---|", *rows])


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "**required**"
    return f"`{value}`" if value not in ("", ()) else "none"
