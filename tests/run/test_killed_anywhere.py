"""Storage goes down with the worker at any one call of a run's life, and loses the last writes that
it has acknowledged: whoever comes next finishes the run, and nothing is paid twice.

Worker and storage that lose nothing have their turn in test_stories_killed, beside other stories;
tests/reliability kills real processes. The short form tries some calls, others each day; all of
them with TUNEDROP_EVERY_KILL=1.
"""

import pytest

from tests.support.kills import Kill
from tests.support.promotion_stories import A_RUN
from tests.support.stories import Trial, of_the_day

A_DAY = 8  # calls


@pytest.mark.parametrize("lost", [1, 4, 12])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_lost_writes_at_any_call_cost_nothing(after: bool, lost: int) -> None:
    trial = await Trial.of(A_RUN)
    assert len(trial.whole.calls) > 60
    for at in of_the_day(range(len(trial.whole.calls)), A_DAY):
        found = await trial.difference(Kill(at, after, lost))
        assert not found, (at, trial.whole.calls[at])
