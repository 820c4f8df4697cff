"""One pass over a dataset: bytes in, findings out, in bounded memory.

Knows lines, encodings and counts; what makes an example good is in `checks`.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass

from shared.dataset.catalog import MINIMUM_EXAMPLES
from shared.dataset.checks import CHECKS
from shared.dataset.examples import Finding, Severity, shorten

BOM = b"\xef\xbb\xbf"
DETAILED = 1000  # findings of one kind that are kept with their place; the rest is only counted


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is known of one file. `counts` says how often each finding occurs, kept or not."""

    name: str
    size: int
    sha256: str
    lines: int
    examples: int
    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def broken(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


class Scan:
    """Feed it the file in chunks of any size, then `finish`. Never raises for bad content."""

    def __init__(self, name: str, minimum: int = MINIMUM_EXAMPLES) -> None:
        self.name = name
        self.minimum = minimum
        self.size = 0
        self.lines = 0
        self.examples = 0
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)

    def finish(self) -> Scanned:
        if self._rest:
            self._line(self._rest)
        self._whole_file()
        return Scanned(
            self.name,
            self.size,
            self._digest.hexdigest(),
            self.lines,
            self.examples,
            tuple(self.findings),
            dict(self.counts),
        )

    def _line(self, line: bytes) -> None:
        self.lines += 1
        if self.lines == 1:
            line = line.removeprefix(BOM)  # allowed: Azure's guide asks for one
        if not line.strip():
            return
        self.examples += 1
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            self._found(
                "not-utf8",
                f"Byte {error.start + 1} of the line is 0x{line[error.start]:02X}, "
                "which is not UTF-8.",
                "Save the file as UTF-8.",
            )
            return
        self._example(text)

    def _example(self, text: str) -> None:
        try:
            example = json.loads(text)
        except (ValueError, RecursionError) as error:
            where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            why = error.msg if isinstance(error, json.JSONDecodeError) else "too deeply nested"
            self._found(
                "not-json",
                f"The line is not JSON{where}: {why}. It begins with {shorten(text, 40)}",
                "Write one complete JSON object on each line.",
            )
            return
        if not isinstance(example, dict):
            self._found(
                "not-object",
                f"The line is {shorten(example)}, not a JSON object.",
                'Write {"messages": […]} on each line.',
            )
            return
        for check in CHECKS:
            for fault in check(example):
                self._keep(Finding(fault.id, fault.severity, self.lines, *fault[2:]))

    def _whole_file(self) -> None:
        if not self.examples:
            what = "The file is empty." if not self.size else "The file has no examples."
            self._found("empty", what, "Write one example on each line.", whole=True)
        elif self.examples < self.minimum:
            self._found(
                "too-few-examples",
                f"The file has {self.examples} examples; the service wants {self.minimum} "
                "at the least.",
                "Add examples; 50 good ones are a sensible start.",
                whole=True,
            )

    def _found(self, id: str, what: str, fix: str, *, whole: bool = False) -> None:
        line = None if whole else self.lines
        self._keep(Finding(id, Severity.ERROR, line, None, what, fix))

    def _keep(self, finding: Finding) -> None:
        self.counts[finding.id] += 1
        if self.counts[finding.id] <= DETAILED:
            self.findings.append(finding)
