"""What the verdict tells that is in no file of the drop itself."""

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.verdict import Verdict, judge
from tests.dataset.builders import TODAY, good, scan


def messages(verdict: Verdict) -> dict[str, str]:
    return {group.id: group.places[0].message for group in verdict.groups}


def test_what_lies_beside_a_drop_and_what_could_not_be_held_out_is_told() -> None:
    plan, training = TrainingPlan(), scan(good(12))
    told = judge((training,), plan, TODAY, nothing_held_out=True, left_out=["a is left out."])
    said = messages(told)
    assert said["files-left-out"] == "a is left out."
    alike = "what asks the same or is almost the same stays together"
    assert said["nothing-held-out"] == f"The run has none: {alike}."
    assert not {"files-left-out", "nothing-held-out"} & set(
        messages(judge((training,), plan, TODAY))
    )
    empty = judge((scan(b""),), plan, TODAY, nothing_held_out=True)
    assert "nothing-held-out" not in messages(empty), "there is nothing to hold out"
