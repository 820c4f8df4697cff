"""What a training costs: pictures have a price, from above, or make it unknown."""

import json
from typing import Any

import pytest

from shared.catalog import facts, lookup
from shared.dataset.findings.collector import FindingGroup
from shared.dataset.measure.cost import Price, TrainingPlan, billed, price, usd
from shared.dataset.report import document, page
from shared.dataset.verdict import Verdict
from tests.dataset.builders import ANSWER, good, judged, line, varied

GPT_4O = "gpt-4o-2024-08-06"
EPOCHS = 10
DATA_URL = "data:image/png;base64,iVBORw0KGgo="


def plan(model: str = GPT_4O, **others: Any) -> TrainingPlan:
    return TrainingPlan(base_model=model, epochs=EPOCHS, region="northcentralus", **others)


def asked(number: int, images: int, url: str, detail: str = "") -> dict[str, Any]:
    image = {"url": url, **({"detail": detail} if detail else {})}
    parts: list[dict[str, Any]] = [{"type": "text", "text": f"What is number {number}?"}]
    parts += [{"type": "image_url", "image_url": image}] * images
    return {"role": "user", "content": parts}


def pictured(
    images: int, url: str = "https://x.example/1.png", count: int = 50, detail: str = ""
) -> bytes:
    return b"".join(
        line({"messages": [asked(n, images, url, detail), {**ANSWER, "content": f"It is {n}."}]})
        for n in range(count)
    )


def ids(verdict: Verdict) -> set[str]:
    return {group.id for group in verdict.groups}


def message(verdict: Verdict, id: str) -> str:
    group: FindingGroup = next(group for group in verdict.groups if group.id == id)
    return group.places[0].message


def test_five_hundred_examples_with_ten_pictures_each_are_no_bargain() -> None:
    without = judged(pictured(0, count=500), plan=plan()).price
    price = judged(pictured(10, count=500, detail="high"), plan=plan()).price
    assert without.training
    assert price.training
    assert without.training < 3
    assert price.training > 950  # at 765 tokens each; what a picture of 1,024 pixels takes
    assert price.image_tokens == 500 * 10 * 1445


@pytest.mark.parametrize("url", ["https://x.example/1.png", "http://x.example/1.png", DATA_URL])
@pytest.mark.parametrize(
    ("detail", "tokens"),
    [("low", 85), ("high", 85 + 8 * 170), ("auto", 85 + 8 * 170), ("", 85 + 8 * 170)],
)
def test_a_picture_counts_as_the_largest_of_its_detail(url: str, detail: str, tokens: int) -> None:
    verdict = judged(pictured(2, url, detail=detail), plan=plan())
    texts = judged(pictured(0), plan=plan()).price.tokens
    assert verdict.price.image_tokens == 50 * 2 * tokens
    assert verdict.price.tokens == texts + 50 * 2 * tokens
    assert verdict.price.training == pytest.approx(verdict.price.tokens * EPOCHS * 25 / 1e6)


def test_every_model_that_takes_pictures_has_a_rule_for_them_and_no_other() -> None:
    assert set(lookup.takers_of_images()) == set(facts.IMAGE_TOKENS.values)


@pytest.mark.parametrize("part", ["input", "preferred_output", "non_preferred_output"])
def test_pictures_of_a_preference_count_wherever_they_are(part: str) -> None:
    def example(number: int) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "input": {"messages": [{"role": "user", "content": f"What is {number}?"}]},
            "preferred_output": [{**ANSWER, "content": "Good."}],
            "non_preferred_output": [{**ANSWER, "content": "Bad."}],
        }
        if part == "input":
            parts["input"]["messages"] = [asked(number, 1, DATA_URL)]
        else:
            parts[part] = [{**asked(number, 1, DATA_URL), "role": "assistant"}]
        return parts

    price = judged(b"".join(map(line, map(example, range(12)))), plan=plan(method="dpo")).price
    assert price.image_tokens == 12 * 1445


def test_only_what_is_trained_on_costs() -> None:
    with_pictures = pictured(1, count=12)
    alone = judged(with_pictures, plan=plan()).price
    assert judged(with_pictures, pictured(5, count=12), plan=plan()).price == alone


def test_a_budget_is_held_against_the_upper_bound_and_the_report_says_so() -> None:
    verdict = judged(pictured(10), plan=plan(budget=100.0))
    assert verdict.rejected
    assert message(verdict, "over-budget").startswith("Training costs at most $180")
    without_budget = page.as_html("r", judged(pictured(10), plan=plan()))
    assert "<b>at most $180" in without_budget
    assert "722,500 tokens of images, each taken as the largest" in page.as_html("r", verdict)
    report = json.loads(json.dumps(document.as_json("r", verdict)))["price"]
    assert (report["upper_bound"], report["image_tokens"]) == (True, 722_500)
    texts = judged(pictured(0), plan=plan())
    assert "at most $" not in page.as_html("r", texts)
    assert texts.price.as_json()["upper_bound"] is False


@pytest.mark.parametrize("budget", [None, 1e9])
def test_pictures_without_a_rule_make_the_price_unknown(
    budget: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = plan().model
    assert model
    unruled = model._replace(image_tokens=None)
    monkeypatch.setattr("shared.catalog.lookup.MODELS", (unruled,))
    verdict = judged(pictured(1), plan=plan(budget=budget))
    assert verdict.price.training is None
    assert verdict.price.tiers == {}
    assert verdict.rejected is (budget is not None)
    if budget:
        assert "these images" in message(verdict, "budget-unknown")
    assert "no price is known for these images" in page.as_html("r", verdict)
    assert judged(pictured(0), plan=plan(budget=budget)).price.training is not None


def test_an_upper_bound_is_no_reason_to_say_that_there_are_too_many_tokens() -> None:
    many = TrainingPlan(base_model=GPT_4O, epochs=20_000)
    assert "too-many-tokens" not in ids(judged(pictured(60, count=12), plan=many))


def test_a_budget_that_is_no_number_allows_nothing() -> None:
    assert judged(pictured(0), plan=plan(budget=float("nan"))).rejected


# ---- figures alone


def of_tokens(tokens: int, examples: int = 100, **others: Any) -> Price:
    there = {"region": "northcentralus", **others}
    return price(tokens, examples, TrainingPlan(base_model=GPT_4O, **there))


@pytest.mark.parametrize(
    ("tier", "usd"),
    [("globalStandard", 75), ("standard", 82.5), ("developer", 37.5), ("dataZone", 82.5)],
)
def test_each_tier_has_its_own_price_for_all_epochs(tier: str, usd: float) -> None:
    assert of_tokens(1_000_000, training_type=tier, epochs=3).training == pytest.approx(usd)
    billed_once = billed(3_000_000, TrainingPlan(GPT_4O, training_type=tier, region="eastus2"))
    assert billed_once == pytest.approx(usd)


def test_a_price_that_is_not_known_is_not_nothing() -> None:
    assert price(1_000, 100, TrainingPlan(base_model="gpt-99")).training is None
    assert of_tokens(1_000, training_type="batch").training is None


@pytest.mark.parametrize(
    ("examples", "epochs"), [(1_000, 3), (34, 3), (33, 3), (20, 5), (10, 10), (4, 25), (1, 25)]
)
def test_small_files_are_priced_with_more_epochs(examples: int, epochs: int) -> None:
    found = of_tokens(1_000, examples)
    assert (found.epochs, found.guessed) == (epochs, True)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "$0.00"), (0.0049, "less than $0.01"), (0.006, "$0.01"), (1234.5, "$1,234.50")],
)
def test_what_costs_something_is_never_shown_as_nothing(amount: float, text: str) -> None:
    assert usd(amount) == text


def test_a_budget_of_exactly_the_price_is_enough() -> None:
    cost = judged(good(12), plan=plan()).price.training
    assert cost
    assert "over-budget" not in ids(judged(good(12), plan=plan(budget=cost)))
    assert "over-budget" in ids(judged(good(12), plan=plan(budget=cost - 1e-4)))


def test_what_is_cut_off_is_not_billed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service cuts an example at the model's limit, and bills what it trains on. One token
    more than the limit is too long; the limit itself is not."""
    lengths = [
        judged(line(varied(number)), plan=plan()).files[0].stats.billed for number in range(12)
    ]
    longest = max(lengths)
    model = plan().model
    assert model
    for limit in (longest, longest - 1):
        known = model._replace(tokens_per_example=limit)
        monkeypatch.setattr("shared.catalog.lookup.MODELS", (known,))
        found = judged(good(12), plan=plan())
        assert found.price.tokens == sum(min(length, limit) for length in lengths)
        assert ("example-too-long" in found.files[0].counts) is (limit < longest)


def test_the_tokens_of_a_job_are_those_of_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = judged(good(12), plan=plan()).price.tokens
    for limit, too_many in ((tokens * EPOCHS, False), (tokens * EPOCHS - 1, True)):
        monkeypatch.setattr(facts, "FILES", facts.FILES._replace(tokens_per_job=limit))
        assert ("too-many-tokens" in ids(judged(good(12), plan=plan()))) is too_many


def test_a_budget_has_a_margin_where_the_tokens_are_not_counted_exactly() -> None:
    def near(model: str = "Ministral-3B", budget: float | None = None) -> Verdict:
        return judged(good(50), plan=plan(model, budget=budget))

    cost = near().price
    assert cost.training
    assert cost.at_most == "about "
    twice = 2 * cost.training
    assert "over-budget" not in ids(near(budget=twice))
    told = message(near(budget=twice - 0.0001), "over-budget")
    assert told.startswith(f"Training costs about {usd(cost.training)}: ")
    assert told.endswith(
        " The tokenizer of Ministral-3B is not known here, so the budget must be 2 times that: "
        f"{usd(twice)}."
    )
    assert f"about {usd(cost.training)}" in page.as_html("m-1", near())
    exact = near("gpt-oss-20b").price
    assert (exact.to_be_safe, exact.at_most) == (exact.training, "")
