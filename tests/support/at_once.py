"""Coroutines that wait for nothing, in tests without an event loop."""

from collections.abc import Coroutine
from typing import Any, TypeVar

Given = TypeVar("Given")


def at_once(work: Coroutine[Any, Any, Given]) -> Given:
    """What it returns; it fails if it would have waited for anything."""
    try:
        work.send(None)
    except StopIteration as ended:
        value: Given = ended.value
        return value
    work.close()
    raise AssertionError("it has waited")
