"""The verdict alone: what the files together, the plan and the day come to, in words and limits."""

from datetime import date, timedelta
from typing import Any

import pytest

from shared.catalog import facts, lookup
from shared.dataset.findings.collector import FindingGroup
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.dataset.scan import ScanResult
from shared.dataset.verdict import Verdict, judge
from tests.dataset.builders import ANSWER, GOOD, TODAY, USER, good, line, scan, talk, varied
from tests.dataset.corpus import image

NANO = "gpt-4.1-nano-2025-04-14"
DAY = timedelta(days=1)
TRAINING = scan(good(12))
ENDS = lookup.find_model(NANO)
assert ENDS
assert ENDS.training_ends


def messages(verdict: Verdict) -> dict[str, str]:
    return {group.id: group.places[0].message for group in verdict.groups}


def judged(
    *files: ScanResult, today: date = TODAY, age: timedelta = timedelta(0), **plan: object
) -> Verdict:
    return judge(files or (TRAINING,), TrainingPlan(**plan), today, age)  # type: ignore[arg-type]


def validation(content: bytes) -> ScanResult:
    return scan(content, role=FileRole.VALIDATION)


def leaks(verdict: Verdict) -> dict[str, list[str]]:
    return {group.id: [place.message for place in group.places] for group in verdict.leaks}


# ---- the plan


def test_a_drop_is_priced_by_its_training_files_alone() -> None:
    once, twice = judged(epochs=2).price, judged(TRAINING, TRAINING, epochs=2).price
    assert once.tokens == TRAINING.stats.billed
    assert twice.tokens == 2 * once.tokens
    assert twice.training == pytest.approx(2 * (once.training or 0), abs=2e-4)
    assert judged(TRAINING, validation(good(12)), epochs=2).price == once
    assert judged(TRAINING, TRAINING).price.epochs == 4, "by the examples of both"


def test_a_method_that_the_format_is_not_for_is_told_of_each_file() -> None:
    assert "wrong-format" not in messages(judged())
    told = messages(judged(method="dpo"))["wrong-format"]
    assert told == "The method is dpo; training.jsonl is in the format chat."


def test_a_model_that_is_not_known_or_not_tunable_is_named() -> None:
    told = messages(judged(base_model="gpt-99"))
    assert told["model-unknown"] == f"gpt-99 is not in the table of {facts.READ_ON}."
    assert "model-retires" not in told
    told = messages(judged(base_model="gpt-4o-mini-2024-07-18", method="dpo"))
    assert told["model-not-tunable"] == (
        "gpt-4o-mini-2024-07-18 takes supervised; the run asks for dpo."
    )
    told = messages(judged(base_model="o4-mini-2025-04-16"))
    assert told["model-not-tunable"] == (
        "o4-mini-2025-04-16 takes neither supervised nor dpo; the run asks for supervised. "
        "It takes reinforcement fine-tuning only."
    )
    both = lookup.MODELS[0]
    assert both.methods == (facts.SUPERVISED, facts.DPO)
    assert "model-not-tunable" not in messages(judged(base_model=both.name))


def test_of_a_model_that_takes_several_methods_all_are_told() -> None:
    told = messages(judged(base_model=NANO, method="reinforcement"))
    assert told["model-not-tunable"].startswith(f"{NANO} takes supervised, dpo; the run asks for ")


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (-91, ""),
        (-90, f"{NANO} can be trained until 2027-04-14 at the least: 90 days. Its tuned versions "),
        (-1, f"{NANO} can be trained until 2027-04-14 at the least: 1 day. Its tuned versions "),
        (0, f"Training of {NANO} ended on 2027-04-14, or soon after. Train again on one "),
        (1, f"Training of {NANO} ended on 2027-04-14, or soon after. Train again on one "),
    ],
)
def test_a_models_end_is_told_before_and_after(days: int, says: str) -> None:
    assert ENDS
    assert ENDS.training_ends
    told = messages(judged(today=ENDS.training_ends + days * DAY, base_model=NANO))
    assert told.get("model-retires", "").startswith(says)
    assert bool(says) is ("model-retires" in told)
    if says.startswith(NANO):
        assert " versions answer until 2027-10-14. Train again " in told["model-retires"]
    assert ("gpt-oss-20b" in told.get("model-retires", "")) is bool(says)


def test_an_end_that_nobody_can_do_anything_about_is_not_told_in_each_report() -> None:
    """No other base model of the table takes preferences for longer."""
    assert ENDS
    assert ENDS.training_ends
    for days, is_told in ((7, False), (0, True)):
        today = ENDS.training_ends - days * DAY
        told = messages(judged(method="dpo", today=today, base_model=NANO))
        assert ("model-retires" in told) is is_told
        assert "Train again" not in told.get("model-retires", "")


@pytest.mark.parametrize(
    "name", ["gpt-oss-120b", "Qwen3.6-35B-A3B", "Qwen3.8-27B", "Muse-Glimmer-30B"]
)
def test_what_could_never_be_deployed_is_not_trained(name: str) -> None:
    verdict = judged(base_model=name)
    assert verdict.rejected
    assert "without serverless deployment" in messages(verdict)["model-not-deployable"]


@pytest.mark.parametrize(
    ("question", "asked", "finding"),
    [
        ("sku", {"base_model": "gpt-oss-120b"}, "model-not-deployable"),
        ("method", {"base_model": "gpt-4o-mini-2024-07-18", "method": "dpo"}, "model-not-tunable"),
    ],
)
def test_the_table_says_no_only_where_the_account_does_not_say_yes(
    question: str, asked: dict[str, str], finding: str
) -> None:
    def told(says: str, today: date = TODAY, *options: str) -> dict[str, str]:
        account = {"answers": [{"id": question, "says": says, "options": options}]}
        return messages(judge((), TrainingPlan(**asked), today, account=account))  # type: ignore[arg-type]

    assert finding in told("no")
    assert finding in told("unknown")
    assert finding not in told("yes")
    if question == "sku":
        assert finding not in told("no", TODAY, "Standard"), "the plan refuses it, and names that"
    old = told("unknown", facts.READ_ON + facts.STALE_AFTER + DAY)
    assert finding not in old
    assert f"The table of {facts.READ_ON} is old" in old["model-doubtful"]
    late = facts.READ_ON + facts.STALE_AFTER + DAY
    assert not judged(base_model="gpt-oss-120b", today=late).rejected
    assert "model-doubtful" not in told("yes", late)


@pytest.mark.parametrize("name", ["gpt-oss-20b", "Ministral-3B", "Qwen3-32B", "Llama-3.3-70B"])
def test_open_weights_that_can_be_served_are_taken(name: str) -> None:
    assert not judged(base_model=name).rejected


def test_images_are_refused_by_a_model_that_takes_none_and_those_that_do_are_named() -> None:
    shown = scan(good(12) + talk(image("https://pictures.example/1.png"), ANSWER) * 2)
    told = messages(judged(shown, base_model=NANO))["images-not-taken"]
    assert told == (
        f"training.jsonl has 2 images; {NANO} takes none. Images are taken by "
        "gpt-4.1-2025-04-14 and gpt-4o-2024-08-06."
    )
    for name in ("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"):
        assert "images-not-taken" not in messages(judged(shown, base_model=name))
    assert "images-not-taken" not in messages(judged(shown, base_model="gpt-99")), "not known"


def test_an_unknown_price_meets_a_budget_as_the_plan_says() -> None:
    asked: dict[str, Any] = {"base_model": "Qwen3-32B", "budget": 5.0}
    assert judged(**asked).rejected
    accepted = judged(**asked, unknown_price="accept")
    assert not accepted.rejected
    assert accepted.price.training is None
    dear = judged(base_model="gpt-oss-20b", epochs=1000, budget=0.0, unknown_price="accept")
    assert "over-budget" in messages(dear), "what is known still counts"


def test_a_budget_is_not_passed_on_the_cheap_side_of_a_region() -> None:
    standard: dict[str, Any] = {"base_model": NANO, "training_type": "standard", "epochs": 1000}
    cheap = judged(**standard, region="northcentralus").price.training
    assert cheap
    for region, factor in (("swedencentral", 1.1), ("northeurope", 1.2), ("", 1.2)):
        verdict = judged(**standard, budget=cheap, region=region)
        assert verdict.rejected
        assert verdict.price.training == pytest.approx(factor * cheap, rel=1e-3)
    assert not judged(**standard, budget=cheap, region="northcentralus").rejected


def test_a_model_without_a_known_end_has_none() -> None:
    assert "model-retires" not in messages(judged(base_model="gpt-oss-20b"))


def test_old_facts_are_told_with_their_age() -> None:
    assert "catalog-old" not in messages(judged(today=facts.READ_ON + facts.STALE_AFTER))
    told = messages(judged(today=facts.READ_ON + facts.STALE_AFTER + DAY))
    assert told["catalog-old"] == f"It was read on {facts.READ_ON}, 31 days ago."


# ---- the price


def test_as_many_tokens_as_a_job_may_have_are_allowed_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = TRAINING.stats.billed
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(tokens_per_job=2 * tokens))
    assert "too-many-tokens" not in messages(judged(epochs=2))
    told = messages(judged(epochs=3))
    assert told["too-many-tokens"] == f"{tokens:,} tokens × 3 epochs."


def test_a_budget_equal_to_the_price_is_enough() -> None:
    price = judged(epochs=1000).price.training
    assert price
    assert "over-budget" not in messages(judged(epochs=1000, budget=price))
    verdict = judged(epochs=1000, budget=price - 0.0001)
    assert verdict.rejected
    told = messages(verdict)["over-budget"]
    assert told.startswith("Training costs about $")
    assert told.endswith(
        f": {TRAINING.stats.billed:,} tokens × 1,000 epochs; the budget is ${price - 0.0001:.4f}."
    )


def test_a_budget_is_held_against_guessed_epochs_and_says_that_they_are() -> None:
    told = messages(judged(budget=0.0))["over-budget"]
    assert "× 8 epochs (a guess: the service chooses); the budget is $0.00." in told
    assert not {"over-budget", "budget-unknown"} & set(messages(judged()))


def test_no_price_is_within_no_budget_and_the_reason_names_model_and_tier() -> None:
    verdict = judged(base_model="Qwen3-32B", budget=5.0)
    told = messages(verdict)["budget-unknown"]
    assert told == "No price is known for Qwen3-32B with globalStandard."
    assert "over-budget" not in messages(verdict)


# ---- the files together


def test_a_validation_file_of_an_earlier_day_is_told_with_its_age() -> None:
    files = TRAINING, validation(good(12))
    assert "validation-old" not in messages(judged(*files, age=DAY - timedelta(seconds=1)))
    told = messages(judged(*files, age=DAY))
    assert told["validation-old"] == "validation.jsonl is 1 day older than the training set."
    assert "validation-old" not in messages(judged(TRAINING, age=DAY))


def test_each_leak_is_told_once_the_closest_likeness_first_with_its_line() -> None:
    same = line(varied(3))
    asks_the_same = talk(varied(5)["messages"][0], ANSWER)
    new = line(varied(99))
    verdict = judged(TRAINING, validation(new + same + asks_the_same))
    assert leaks(verdict) == {
        "leakage": ["It is line 4 of the training set."],
        "leakage-prompt": ["Line 6 of the training set asks the same."],
    }
    assert [place.line for group in verdict.leaks for place in group.places] == [2, 3]


def test_what_is_almost_the_same_is_told_as_such() -> None:
    words = " ".join(f"word{number}" for number in range(60))
    trained = scan(good(10) + talk({**USER, "content": words}, ANSWER))
    near = talk({**USER, "content": f"{words} more"}, ANSWER)
    verdict = judged(trained, validation(near))
    assert leaks(verdict) == {"leakage-near": ["Line 11 of the training set is almost the same."]}


def test_a_validation_file_that_repeats_itself_leaks_nothing() -> None:
    twice = line(varied(99)) * 2
    assert judged(TRAINING, validation(twice)).leaks == ()
    assert judged(TRAINING).leaks == ()


def test_leaks_are_findings_of_the_validation_file_the_worst_first() -> None:
    broken = validation(line(varied(3)) + line({"messages": []}))
    verdict = judged(TRAINING, broken)
    groups = verdict.groups_of(broken)
    assert {group.id for group in groups} >= {"leakage"}
    assert list(groups) == sorted(groups, key=FindingGroup.rank)
    assert len(groups) > len(broken.groups)
    assert "leakage" not in {group.id for group in verdict.groups_of(TRAINING)}


def test_one_error_rejects_wherever_it_is_and_a_warning_does_not() -> None:
    assert not judged().rejected
    assert judged(base_model="o4-mini-2025-04-16").rejected, "of the run"
    assert judged(TRAINING, validation(line({"messages": []}))).rejected, "of one file"
    warned = judged(base_model="gpt-99")
    assert warned.groups
    assert not warned.rejected
    assert judged(scan(line(GOOD))).rejected, "too few"
