"""What docs/notifications.md promises to receivers is so."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.cloud.receivers import CALL_SECONDS, signed
from shared.run.outbox import KEPT_IN_MIND
from shared.run.policy import Policy
from tests.support.receiver import SECRET

PAGE = (Path(__file__).resolve().parents[2] / "docs/notifications.md").read_text(encoding="utf-8")


@pytest.fixture
def verify() -> Any:
    """The ten lines, as they stand there."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verify"]


def test_the_lines_that_verify_a_signature_do_so(verify: Any) -> None:
    body, now = b'{"id": 1}', datetime.now(UTC)
    other = SECRET.replace("dHVu", "bXVu")
    headers = signed([other, SECRET], "id-1", body, now)
    assert verify(body, headers, SECRET)
    assert verify(body, headers, other)
    assert not verify(body + b" ", headers, SECRET)
    assert not verify(body, {**headers, "webhook-id": "id-2"}, SECRET)
    assert not verify(body, signed([other], "id-1", body, now), SECRET)
    old = signed([SECRET], "id-1", body, datetime(2026, 1, 1, tzinfo=UTC))
    assert not verify(body, old, SECRET)


def test_the_figures_are_those_of_the_app() -> None:
    policy = Policy()
    assert f"**{CALL_SECONDS:.0f} seconds**" in PAGE
    assert (policy.first_pause, policy.longest_pause) == (15, 900)
    assert policy.longest_retry_after == 3600
    assert (policy.tell_for.days, KEPT_IN_MIND.days) == (3, 7)
