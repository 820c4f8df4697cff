"""The page docs/findings.md, from the table of findings."""

from shared.dataset.findings.table import GROUPS, TABLE, FindingKind

_HEAD = """# Findings

The dataset check knows {count} findings, each with an id that stays. An **error** rejects the drop:
the service would refuse the file, or the run would be worthless. A **warning** or an **advice** is
reported and stops nothing. Every finding comes with its line, the index of the message within the
example (counted from 0), what is wrong there, and what to do.

This page is made from `shared/dataset/findings/table.toml` by `python3 dev.py docs`."""

_TABLE_HEAD = "\n## {title}\n\n| id | severity | what and why | what to do |\n|---|---|---|---|"


def page() -> str:
    parts = [_HEAD.format(count=len(TABLE))]
    for title, kinds in GROUPS.items():
        parts += [_TABLE_HEAD.format(title=title), *map(_row, kinds)]
    return "\n".join(parts) + "\n"


def _row(kind: FindingKind) -> str:
    title, why, fix = (text.replace("|", "\\|") for text in (kind.title, kind.why, kind.fix))
    return f"| `{kind.id}` | {kind.severity} | **{title}.** {why} | {fix} |"
