"""The page of one run: what it says of whatever a run can be in, and the orders that it gives."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import expect

from shared.run.record import (
    Action,
    Command,
    Epoch,
    Failure,
    Predicted,
    Progress,
    Transition,
)
from shared.run.stages import Stage
from tests.support.console import PHONE, Opened, Tab
from tests.support.console_runs import known_run, stored
from tests.support.datasets import dataset
from tests.support.stack import wait_for

STRANGE = "<img src=x onerror=alert(1)>\"'`${1}`"
NOT_PAUSED = "pause could not be carried out: the job has made no step"
OVERFIT = (
    Epoch(step=10, train_loss=1.2, valid_loss=1.1, checkpoint="ft:ckpt-step-10"),
    Epoch(step=20, train_loss=0.4, valid_loss=1.9, checkpoint="ft:ckpt-step-20"),
)
CURVE: list[tuple[int, float | None, float | None]] = [
    (step, 2 - step / 20, 1.1 if step == 10 else None) for step in range(1, 21)
]
COMMAND = Command(
    action=Action.PAUSE, who=STRANGE, why="late", at=datetime(2026, 11, 2, tzinfo=UTC)
)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def came(*stages: Stage, each: float = 60) -> tuple[Transition, ...]:
    """These stages, one after the other, the last of them now; `each`: seconds in each."""
    count = len(stages)
    return tuple(
        Transition(stage=stage, at=ago(seconds=each * (count - at)))
        for at, stage in enumerate(stages)
    )


def visit(tab: Tab, run_id: str) -> None:
    """From a page that is shown."""
    tab.page.evaluate(f"location.hash = '#/runs/{run_id}'")
    expect(tab.page.locator("h1")).to_have_text(f"Run {run_id[: run_id.index('-') + 9]}")


STATES: list[tuple[Stage, dict[str, Any], str]] = [
    (Stage.READY, {}, "Your move. The dataset is good. Nothing is sent or paid for until"),
    (Stage.PAUSED, {}, "Your move. The job is paused and keeps its place"),
    (Stage.SUBMITTED, {}, "Azure OpenAI's move. The job stands in the queue"),
    (
        Stage.UPLOADED,
        {"waiting_for": "The queue is full."},
        "The app's move, and something is in the way.",
    ),
    (
        Stage.FAILED,
        {"failure": Failure(message="No quota.", fix="Ask for more.", blame="service")},
        "Azure OpenAI's side. No quota.",
    ),
    (
        Stage.REJECTED,
        {"failure": Failure(message=STRANGE, fix="Mend it.", blame="caller")},
        "Your move. <img src=x onerror=alert(1)>",
    ),
    (Stage.TRAINING, {"command": COMMAND}, "The app's move. pause is being carried out."),
]


def test_it_says_what_a_run_waits_for_and_whose_move_it_is(tab: Tab) -> None:
    tab.open("runs").see("laptop, operator")
    for number, (stage, known, says) in enumerate(STATES):
        run = known_run(stage, model=f"shown{number}", **known)
        with stored(tab.stack, run) as run_id:
            visit(tab, run_id)
            expect(tab.page.get_by_label("Now")).to_contain_text(says)


def test_losses_have_axes_the_best_checkpoint_a_cursor_and_what_they_warn_of(tab: Tab) -> None:
    run = known_run(
        Stage.FAILED,
        timeline=came(Stage.RECEIVED, Stage.TRAINING, Stage.FAILED),
        epochs=OVERFIT,
        progress=Progress(step=20, total_steps=20),
    )
    with stored(tab.stack, run, curve=CURVE) as run_id:
        tab.open(f"runs/{run_id}")
        tab.see("The validation loss was lowest after epoch 1 (1.100) and rose to 1.900")
        picture = tab.page.get_by_role("slider", name="Step of the losses")
        expect(picture).to_be_visible()
        texts = picture.locator("text").all_text_contents()
        assert {"step", "loss", "epoch 1, best", "epoch 2"} <= set(texts)
        assert len([text for text in texts if text.replace(".", "").isdigit()]) > 6
        expect(picture.locator("path.checkpoint")).to_have_count(2)
        picture.press("End")
        picture.press("ArrowLeft")
        expect(picture).to_have_attribute("aria-valuetext", "Step 19: training loss 1.0500")
        picture.press("Home")
        for _ in range(9):
            picture.press("ArrowRight")
        tab.see("Step 10, the end of epoch 1, the best, a checkpoint: training loss 1.5000")
        picture.hover(position={"x": 5, "y": 50})
        tab.see("Step 1: training loss 1.9500")
        row = tab.page.get_by_role("table", name="Losses after each epoch").get_by_role("row")
        expect(row.nth(1)).to_contain_text("best")
        expect(row.nth(2)).not_to_contain_text("best")


CURVES: list[tuple[list[tuple[int, float | None, float | None]], float]] = [
    ([(1, 2.5, None)], 3),  # one point is no line
    ([(step, 0.7, None) for step in range(1, 9)], 1.2),  # nothing changes
    ([(1, 900.0, None), *((step, 2.0 - step / 100, None) for step in range(2, 101))], 3),
    ([(step, 1 + (step % 7) / 7, None) for step in range(1, 3001)], 2.2),  # thinned out
]


def test_any_losses_can_be_read(tab: Tab) -> None:
    tab.open("runs").see("laptop, operator")
    for number, (curve, highest) in enumerate(CURVES):
        run = known_run(Stage.FAILED, model=f"shown{number}")
        with stored(tab.stack, run, curve=curve) as run_id:
            visit(tab, run_id)
            picture = tab.page.get_by_role("slider")
            expect(picture).to_be_visible()
            axis = picture.locator("text[text-anchor=end]").all_text_contents()
            assert 0 < max(map(float, axis)) <= highest
            assert "NaN" not in picture.inner_html()
            drawn = picture.locator("polyline.train").get_attribute("points") or ""
            assert len(drawn.split()) <= 500
            expect(picture.locator("circle.train")).to_have_count(int(len(curve) == 1))


def test_it_tells_what_is_left_in_parts_and_whether_it_is_stuck(tab: Tab) -> None:
    progress = Progress(step=50, total_steps=200, train_loss=1.5, changed_at=ago(hours=5))
    moved = known_run(
        Stage.TRAINING, timeline=came(Stage.SUBMITTED, Stage.TRAINING), progress=progress
    )
    with stored(tab.stack, moved) as run_id:
        tab.open(f"runs/{run_id}")
        left = tab.page.get_by_label("What is left")
        expect(left.get_by_role("progressbar")).to_have_attribute("value", "50")
        for part in ("50 of 200", "in the queue", "training left", "until it answers"):
            expect(left).to_contain_text(part)
    old = (Transition(stage=Stage.TRAINING, at=ago(hours=9)),)
    with stored(tab.stack, known_run(Stage.TRAINING, timeline=old, progress=progress)) as run_id:
        tab.open(f"runs/{run_id}")
        now = tab.page.get_by_label("Now")
        expect(now).to_contain_text("stuck")
        expect(now).to_contain_text("Nothing new for 5 hours while training")


def test_it_tells_times_costs_and_events_as_text(tab: Tab) -> None:
    run = known_run(
        Stage.FAILED,
        timeline=came(Stage.RECEIVED, Stage.CHECKED, Stage.TRAINING, Stage.FAILED, each=600),
        predicted=Predicted(tokens=10_000, usd=0.5),
        trained_tokens=12_000,
    )
    events = [
        {"at": "2026-11-01T00:00:00+00:00", "kind": "stage", "message": "received"},
        {"at": "2026-11-01T00:00:01+00:00", "kind": STRANGE, "message": STRANGE, "who": STRANGE},
    ]
    with stored(tab.stack, run, events=events) as run_id:
        tab.open(f"runs/{run_id}")
        tab.see("20.0 % more than predicted")
        tab.see("$0.50")
        lengths = tab.page.locator(".timeline .length").all_inner_texts()
        assert [length.strip() for length in lengths] == ["10 min", "10 min", "10 min", ""]
        lines = tab.page.get_by_role("log").get_by_role("listitem")
        expect(lines.first).to_contain_text(STRANGE.replace("`", ""))
        expect(lines.last).to_contain_text("received")


def test_an_order_that_came_to_nothing_is_told_where_it_was_given(tab: Tab) -> None:
    line = {"at": "2026-11-01T00:00:00+00:00", "kind": "command", "who": "laptop", "why": ""}
    events = [line | {"message": "pause"}, line | {"message": NOT_PAUSED}]
    run = known_run(Stage.TRAINING)
    with stored(tab.stack, run, events=events) as run_id:
        tab.open(f"runs/{run_id}")
        expect(tab.page.get_by_label("Now")).to_contain_text(NOT_PAUSED)
    with stored(tab.stack, run, events=[*events, line | {"message": "pause"}]) as run_id:
        tab.open(f"runs/{run_id}").see(NOT_PAUSED)
        expect(tab.page.get_by_label("Now")).not_to_contain_text(NOT_PAUSED)


def test_an_ended_run_is_not_read_again_and_again(tab: Tab) -> None:
    with stored(tab.stack, known_run(Stage.CANCELLED)) as run_id:
        tab.open(f"runs/{run_id}").see("It was cancelled.")
        for _ in range(3):
            tab.page.evaluate("dispatchEvent(new Event('online'))")
        tab.page.wait_for_timeout(50)
        assert tab.asked.count(f"GET manage/runs/{run_id}") == 1


def test_all_orders_of_a_run_are_given_by_buttons(tab: Tab) -> None:
    stack, model = tab.stack, "ordered"
    run_yaml = b"start: manual\nhyperparameters: {n_epochs: 50, batch_size: 1}"
    stack.drop(model, run_yaml=run_yaml, training_set=dataset(12))
    wait_for(lambda: [run for run in stack.runs(model) if run["stage"] == "ready"])
    tab.open(f"runs?model={model}")
    tab.page.locator("main td a").first.click()
    tab.page.get_by_role("button", name="Start").dblclick()
    tab.see("The run is started.")
    assert len([line for line in tab.asked if line.endswith("/start")]) == 1
    tab.page.get_by_role("progressbar").wait_for()
    tab.press("Pause")
    tab.see("Your move. The job is paused")
    expect(tab.page.get_by_role("log")).to_contain_text("pause by laptop (by key)")
    tab.press("Deploy …")
    dialog = tab.page.locator("dialog")
    dialog.get_by_label("SKU").select_option("DeveloperTier")
    dialog.get_by_label("Capacity").fill("7")
    tab.confirm("Deploy so")
    tab.see("DeveloperTier, capacity 7")
    tab.press("Resume")
    tab.see("Azure OpenAI's move.")
    tab.press("Cancel …")
    tab.confirm("End the run")
    tab.see("cancelled")
    delete_it(tab)


def delete_it(tab: Tab) -> None:
    """With its datasets; the plan is shown anew for that, and the name has to be typed."""
    short = re.sub(r".*runs/([a-z]+-[0-9a-f]{8}).*", r"\1", tab.page.url)
    tab.press("Delete …")
    dialog = tab.page.locator("dialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    goes = dialog.locator("ul").first
    expect(goes).not_to_contain_text("training_set.jsonl")
    orders = "**/manage/runs/*/delete"
    tab.page.route(orders, lambda route: route.abort())
    dialog.get_by_label("Dropped datasets").select_option("go as well")
    expect(dialog.get_by_role("alert")).to_contain_text("nothing is deleted")
    expect(goes).to_have_count(0)
    tab.confirm("Delete", typed=short)
    expect(dialog).not_to_be_visible()
    tab.page.unroute(orders)
    asked = [line for line in tab.asked if line.endswith("/delete")]
    assert len(asked) == 2  # plans; no order
    tab.press("Delete …")
    dialog.get_by_label("Dropped datasets").select_option("go as well")
    expect(goes).to_contain_text("training_set.jsonl")
    tab.confirm("Delete", typed=short)
    tab.see("This run is deleted.")
    assert not list(tab.stack.container("datasets").list_blobs(name_starts_with="ordered/train"))


def test_a_reader_sees_everything_and_orders_nothing(tabs: Opened) -> None:
    stack = tabs().stack
    body = b'{"name": "looks", "role": "reader"}'
    key = stack.open("keys", body, "POST")[1].decode().split('"key":"')[1].split('"')[0]
    tab = tabs()
    with stored(stack, known_run(Stage.PAUSED)) as run_id:
        tab.open(f"runs/{run_id}", key=key)
        for label in ("Resume", "Deploy …", "Cancel …", "Delete …"):
            expect(tab.page.get_by_role("button", name=label)).to_be_disabled()
        tab.see("Orders need the role operator.")


def test_a_run_with_everything_can_be_read_by_everybody_on_a_phone(tabs: Opened) -> None:
    tab = tabs(size=PHONE, dark=True)
    run = known_run(Stage.TRAINING, epochs=OVERFIT, timeline=came(Stage.TRAINING))
    events = [{"at": "2026-11-01T00:00:00+00:00", "kind": "stage", "message": STRANGE * 20}] * 60
    with stored(tab.stack, run, curve=CURVE, events=events) as run_id:
        tab.open(f"runs/{run_id}").see("epoch 1, best")
        assert tab.violations() == []
        assert not tab.is_wider_than_its_screen()
