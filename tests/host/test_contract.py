"""The contract is whole: every row is shown or says why not, and every mark names a row."""

from collections import Counter

import pytest

from tests.support.host_contract import ENGINE, LOCAL, Row, contract, shown

ROWS = contract()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_has_a_source_and_a_test_or_a_reason(row: Row) -> None:
    assert row.source
    assert all(address.startswith("https://") for address in row.source)
    tests = [one for one in shown() if one.row == row.name and one.host == LOCAL]
    assert bool(tests) is not bool(row.not_imitated)


def test_every_mark_names_a_row_and_each_row_has_its_own_name() -> None:
    names = Counter(row.name for row in ROWS)
    assert {one.row for one in shown()} <= set(names)
    assert max(names.values()) == 1


def test_the_engine_shows_what_is_its_matter_only() -> None:
    """Keys, queues and schedules are the host's, which is not there when the engine is tested."""
    matter = {row.name for row in ROWS if row.worker}
    assert {one.row for one in shown() if one.host == ENGINE} <= matter
