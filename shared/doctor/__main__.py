"""`python -m shared.doctor > docs/doctor.md`: the page of what is examined, made from the code."""

from shared.doctor import EXAMINATIONS, names
from shared.doctor.cases import ROLES
from shared.doctor.rights import RIGHTS

_PAGE = """# What the doctor examines

```
tunedrop doctor                        # from here, with local.settings.json and the environment
tunedrop doctor --local                # the stack of `dev.py up`: its app examines itself
tunedrop doctor --app URL --key KEY    # a deployed app examines itself, with its own identity
```

The last two ask `GET /api/doctor`, which wants a Functions key. `GET /api/health` answers anybody;
`GET /api/health?deep=1` sends its caller on to `/api/doctor` (`curl --location`), because the
platform checks keys by function and health must stay open.

Each line is `ok`, a `warning`, a `problem`, or `unknown` where something else stands in the way of
looking; under it stands what mends it, as a command where there is one. `--json` gives the same as
JSON. It exits with 0, with 1 if there is a problem, with 2 if nothing could be examined. All that
is looked at is looked at side by side, each with a deadline. No secret is shown, and nothing stays
changed: canaries (blobs under `tunedrop-doctor/`) are deleted again.

This page is made by `python -m shared.doctor > docs/doctor.md`.

| case | what is examined |
|---|---|
{examinations}
| `host` | The Functions host runs and has no complaint. With `--local` and `--app` only; on Azure \
it takes the master key. |

## Rights

Each is tried by a call that a caller without the right is refused, and that does nothing for one \
who has it.

| case | tried by | allowed | action (`Microsoft.CognitiveServices/…`) | role |
|---|---|---|---|---|
{rights}

| role | scope |
|---|---|
{roles}

What is not known for certain, for want of a look at the real service: that the data plane checks \
the caller's right before it looks at the request (Azure Resource Manager does), that cancelling \
asks for the same action as creating a job, and how the quota of tuned models is named."""


def page() -> str:
    examinations = []
    for examination in EXAMINATIONS:
        ids, what = names(examination)
        shown = ", ".join(f"`{id}`" for id in ids.split(", "))
        examinations.append(f"| {shown} | {what} |")
    rights = [
        f"| `{id}` | {right.how} | {' or '.join(map(str, right.proof))} | `{right.action}` "
        f"| {ROLES[right.role].name} |"
        for id, right in RIGHTS.items()
    ]
    roles = [f"| {role.name} (`{role.id}`) | {role.scope} |" for role in ROLES.values()]
    return _PAGE.format(
        examinations="\n".join(examinations), rights="\n".join(rights), roles="\n".join(roles)
    )


if __name__ == "__main__":
    print(page())  # noqa: T201
