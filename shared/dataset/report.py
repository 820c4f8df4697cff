"""The verdict on a run's files, for programs (JSON) and for people (one self-contained page)."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Any

from shared.dataset.examples import Finding
from shared.dataset.scan import Scanned

SHOWN = 20  # places of one finding that the page lists; report.json has them all


def as_json(run_id: str, files: Iterable[Scanned]) -> dict[str, Any]:
    files = list(files)
    return {
        "schema": 1,
        "run": run_id,
        "verdict": "rejected" if any(file.broken for file in files) else "accepted",
        "files": [
            {
                "name": file.name,
                "bytes": file.size,
                "sha256": file.sha256,
                "lines": file.lines,
                "examples": file.examples,
                "counts": file.counts,
                "findings": [finding.as_json() for finding in file.findings],
            }
            for file in files
        ],
    }


def summary(files: Iterable[Scanned]) -> str:
    """One sentence for the run's log."""
    return "; ".join(
        f"{file.name}: {file.examples} examples, {sum(file.counts.values()) or 'no'} findings"
        for file in files
    )


def as_html(run_id: str, files: Iterable[Scanned]) -> str:
    files = list(files)
    broken = any(file.broken for file in files)
    verdict = "Rejected: nothing was sent to the service" if broken else "Accepted"
    body = "".join(_file(file) for file in files)
    return _PAGE.format(
        title=escape(run_id), tone="bad" if broken else "good", verdict=verdict, body=body
    )


def _file(file: Scanned) -> str:
    facts = f"{file.examples} examples · {file.lines} lines · {file.size:,} bytes"
    findings = "".join(_findings(file)) or "<p>Nothing to complain about.</p>"
    return f"<section><h2>{escape(file.name)}</h2><p class=facts>{facts}</p>{findings}</section>"


def _findings(file: Scanned) -> Iterator[str]:
    by_id = sorted(file.findings, key=lambda finding: finding.id)
    for id, group in groupby(by_id, key=lambda finding: finding.id):
        found = list(group)
        first, count = found[0], file.counts[id]
        rows = "".join(map(_row, found[:SHOWN]))
        more = f"<p>… and {count - SHOWN} more.</p>" if count > SHOWN else ""
        yield (
            f"<article class={first.severity}><h3>{escape(id)} <small>{first.severity}, "
            f"{count}×</small></h3><p>{escape(first.fix)}</p><table>{rows}</table>{more}</article>"
        )


def _row(finding: Finding) -> str:
    line = f"line {finding.line}" if finding.line else "whole file"
    message = f", message {finding.message}" if finding.message is not None else ""
    return f"<tr><td>{line}{message}</td><td>{escape(finding.what)}</td></tr>"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; --edge: #8884; --bad: #c0392b; --good: #1e8449; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem }}
h1 {{ margin-bottom: 0 }} .bad {{ color: var(--bad) }} .good {{ color: var(--good) }}
.facts, small {{ opacity: .7; font-weight: normal }}
article {{ border-left: 4px solid var(--edge); padding: .1rem 1rem; margin: 1rem 0 }}
article.error {{ border-color: var(--bad) }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-top: 1px solid var(--edge); padding: .3rem .6rem .3rem 0; vertical-align: top }}
td:first-child {{ white-space: nowrap; opacity: .7; width: 10rem }}
</style>
<h1>{title}</h1><p class={tone}><strong>{verdict}</strong></p>{body}</html>
"""
