"""A text that would steer a terminal, and what a terminal obeys."""

import re

ESC = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u2028\r"
HOSTILE = f"[bold red]me[/] {ESC}"
# The tool's own colours are off where it does not write to a terminal.
ACTS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
