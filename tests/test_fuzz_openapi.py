"""The app's own description as a fuzzer: whatever it allows is answered, and as it says.

TUNEDROP_FUZZ tries more requests of each operation than a few (tests/support/fuzz.py).
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given

from tests.support.fuzz import described
from tests.support.in_process import KEY, in_process, listening

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "console/openapi.json").read_text(encoding="utf-8"))


def operations() -> Iterator[Any]:
    import schemathesis  # here: it takes a second, and a run of other tests need not wait

    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations():
        yield found.ok()  # type: ignore[union-attr]


def wrong(operation: Any, url: str) -> str | None:
    """What is wrong with an answer to it, if one was found."""
    from schemathesis.checks import CHECKS
    from schemathesis.core.failures import FailureGroup

    names = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [CHECKS.get_one(name) for name in names]

    @described(HealthCheck.filter_too_much)
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(base_url=url, headers={"api-key": KEY}, allow_redirects=False)
        case.validate_response(answer, checks=checks)

    try:
        ask()
    except FailureGroup as failures:
        return f"{operation.label}: " + "; ".join(str(one) for one in failures.exceptions)
    return None


async def test_each_answer_is_one_that_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        in_process("http://127.0.0.1:9", monkeypatch) as (client, _, _),
        listening(client) as url,
    ):
        found = await asyncio.to_thread(lambda: [wrong(one, url) for one in operations()])
    assert len(found) == sum(len(methods) for methods in DOCUMENT["paths"].values())
    assert not [one for one in found if one]
