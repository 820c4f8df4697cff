"""docs/doctor.md, made from the checks, the rights and the roles in shared/doctor."""

from collections.abc import Iterable

from shared.doctor import CHECKS, describe
from shared.doctor.rights import RIGHTS
from shared.doctor.roles import ROLES

_PAGE = """# What the doctor checks

```
tunedrop doctor                        # from here, with local.settings.json and the environment
tunedrop doctor --local                # the stack of `dev.py up`: its app checks itself
tunedrop doctor --app URL --key KEY    # a deployed app checks itself, with its own identity
```

The last two ask `GET /api/doctor`, which wants a Functions key. `GET /api/health` answers anybody;
`GET /api/health?deep=1` redirects to `/api/doctor` (`curl --location`), because the platform checks
keys by function and health must stay open.

Each line is `ok`, a `warning`, a `problem`, or `unknown` where another problem prevents the check.
The line below it is the fix, as a command where there is one. The command exits with 0, with 1 if
there is a problem, with 2 if nothing could be checked. `--json` prints what `/api/doctor` answers:

```
{{"healthy": false, "checks": [{{"id": "queue", "state": "warning", "message": "…", "fix": "…"}}]}}
```

All checks run side by side, each with a deadline. No secret is shown, and nothing stays changed:
canaries (blobs under `tunedrop-doctor/`) are deleted again. The doctor signs in with the app's
identity, by a credential of its own: a token from before would hide that the identity is gone.

This page is made by `python3 dev.py docs`.

| check | what is checked |
|---|---|
{checks}
| `host` | The Functions host runs and reports no error. With `--local` and `--app` only; on Azure \
it takes the master key. |

## Rights

Each is tried by a call that a caller without the right is refused, and that does nothing for one \
who has it.

| check | tried by | allowed | action (`Microsoft.CognitiveServices/…`) | role |
|---|---|---|---|---|
{rights}

| role | scope |
|---|---|
{roles}

Not verified, because it was never seen on the real service: that the data plane checks the \
caller's right before it looks at the request (Azure Resource Manager does), that cancelling asks \
for the same action as creating a job, and how the quota of tuned models is named.
"""


def page() -> str:
    return _PAGE.format(
        checks="\n".join(_checks()), rights="\n".join(_rights()), roles="\n".join(_roles())
    )


def _checks() -> Iterable[str]:
    for check in CHECKS:
        ids, description = describe(check)
        yield f"| {', '.join(f'`{id}`' for id in ids.split(', '))} | {description} |"


def _rights() -> Iterable[str]:
    for id, right in RIGHTS.items():
        statuses = " or ".join(map(str, right.proof))
        role = ROLES[right.role].name
        yield f"| `{id}` | {right.how} | {statuses} | `{right.action}` | {role} |"


def _roles() -> Iterable[str]:
    return (f"| {role.name} (`{role.id}`) | {role.scope} |" for role in ROLES.values())
