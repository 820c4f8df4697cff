"""The dates on which models retire, driven by the emulator's clock; and who may still begin."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.emulator.core.errors import InferenceError

from .in_process import Inside, in_location, inside

NANO, MINI = "gpt-4.1-nano-2025-04-14", "gpt-4.1-mini-2025-04-14"
GPT_41, GPT_4O = "gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"
FORMATS = {"gpt-oss-20b-11": "Microsoft", "Ministral-3B": "Mistral AI", "Qwen3-32B": "Alibaba"}
# Ten tuned models, as many as an account may deploy.
TEN = (NANO, NANO, MINI, MINI, GPT_41, GPT_41, GPT_4O, *FORMATS)
OF_41 = {0, 1, 2, 3, 4, 5}
OPEN = {7, 8, 9}
UNKNOWN = "The specified base model does not support fine-tuning."


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        running.settings(readiness_gap_seconds=0, retirements="obeyed")
        running.it_is(2026, 11, 27)
        yield running


def deploy(emulator: Inside, name: str, model: str) -> Any:
    base = model.partition(".ft-")[0]
    return emulator.put(name, model, sku="GlobalStandard", format=FORMATS.get(base, "OpenAI"))


def answers(emulator: Inside, name: str) -> bool:
    """Asked within the app, which would answer with the small model next."""
    try:
        emulator.emulator.deployments.answering(name)
    except InferenceError as error:
        assert error.status == 410, error
        return False
    return True


def alive(emulator: Inside) -> set[int]:
    return {number for number in range(len(TEN)) if answers(emulator, f"model-{number}")}


def reach(emulator: Inside, year: int, month: int, day: int) -> None:
    """In steps that keep deployments in use, which would otherwise go after fifteen days."""
    clock = emulator.emulator.context.clock
    before = clock.now()
    emulator.it_is(year, month, day)
    after = clock.now()
    clock.advance(before - after)
    while clock.now() < after:
        clock.advance(min(14 * 24 * 3600, after - clock.now()))
        alive(emulator)
        answers(emulator, "base")


def statuses(emulator: Inside) -> dict[str, str]:
    listed = emulator.arm.get(in_location("swedencentral", "models")).json()["value"]
    return {one["model"]["name"]: one["model"]["lifecycleStatus"] for one in listed}


def chat(emulator: Inside, name: str) -> Any:
    body = {"model": name, "messages": [{"role": "user", "content": "Who be ye?"}]}
    return emulator.data.post("/openai/v1/chat/completions", json=body)


def code(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def test_ten_models_through_the_two_days(emulator: Inside) -> None:
    file = emulator.file()
    models = [emulator.tuned(base) for base in TEN]
    for number, model in enumerate(models):
        assert deploy(emulator, f"model-{number}", model).status_code == 201
    assert emulator.put("base").status_code == 201
    waiting = emulator.train(GPT_41, file).json()["id"]

    reach(emulator, 2027, 4, 13)
    assert alive(emulator) == set(range(10)) and answers(emulator, "base")
    assert statuses(emulator)["gpt-4.1"] == "Deprecating"
    assert emulator.train(GPT_41, file).status_code == 200
    assert emulator.train(GPT_4O, file).json()["error"]["message"] == UNKNOWN  # since 04-01

    reach(emulator, 2027, 4, 14)
    assert alive(emulator) == set(range(10))  # they outlive their base by half a year
    assert statuses(emulator)["gpt-4.1"] == "Deprecated"
    for start in (GPT_41, models[4]):
        assert emulator.train(start, file).json()["error"]["message"] == UNKNOWN
    assert emulator.train("Qwen3-32B", file, "GlobalStandard").status_code == 200
    assert emulator.data.get(f"/openai/v1/fine_tuning/jobs/{waiting}").status_code == 200
    gone = chat(emulator, "base")
    assert (gone.status_code, code(gone)) == (410, "ModelDeprecated")
    assert "no longer available for use" in gone.json()["error"]["message"]
    again = emulator.put("another-base")
    assert again.json()["error"] == {
        "code": "ServiceModelDeprecated",
        "message": "The model 'Format:OpenAI,Name:gpt-4.1,Version:2025-04-14' has been deprecated"
        " since 04/14/2027 00:00:00.",
    }
    assert deploy(emulator, "model-4", models[4]).status_code == 200  # a tuned one still may

    reach(emulator, 2027, 10, 13)
    assert alive(emulator) == OF_41 | OPEN
    reach(emulator, 2027, 10, 14)
    assert alive(emulator) == OPEN
    assert code(chat(emulator, "model-0")) == "ModelDeprecated"
    assert code(deploy(emulator, "model-0", models[0])) == "ServiceModelDeprecated"
    assert code(deploy(emulator, "model-0", models[1])) == "ServiceModelDeprecated"


def test_the_dates_are_shown_alone_unless_they_are_to_be_obeyed(emulator: Inside) -> None:
    """A laptop must work after them too."""
    tuned = emulator.tuned(NANO)
    emulator.settings(retirements="shown")
    emulator.it_is(2028, 1, 1)
    assert emulator.put("mine", tuned).status_code == 201
    assert emulator.put("base").status_code == 201
    assert answers(emulator, "mine") and answers(emulator, "base")
    assert emulator.train(NANO, emulator.file()).status_code == 200
    assert statuses(emulator)["gpt-4.1-nano"] == "Legacy"
    emulator.settings(retirements="obeyed")
    assert not answers(emulator, "mine") and not answers(emulator, "base")


@pytest.mark.parametrize(
    ("day", "status", "in_the_data_plane"),
    [
        ((2026, 11, 27), "Legacy", "legacy"),
        ((2027, 1, 13), "Legacy", "legacy"),
        ((2027, 1, 14), "Deprecating", "deprecating"),
        ((2027, 4, 14), "Deprecated", "deprecated"),
    ],
)
def test_a_lifecycle_moves_with_the_clock(
    emulator: Inside, day: tuple[int, int, int], status: str, in_the_data_plane: str
) -> None:
    emulator.it_is(*day)
    assert statuses(emulator)["gpt-4.1-mini"] == status
    shown = emulator.data.get(f"/openai/v1/models/{MINI}").json()
    assert shown["lifecycle_status"] == in_the_data_plane
    assert statuses(emulator)["Qwen3-32B"] == "GenerallyAvailable"


def test_the_clock_can_be_moved_to_a_day(emulator: Inside) -> None:
    """A day begins in UTC, and none comes again."""
    assert emulator.put("base").status_code == 201
    emulator.it_is(2060, 4, 13)
    day = datetime(2060, 4, 14, tzinfo=UTC).timestamp()
    for moment, seconds in (("2060-04-14", 0), ("2060-04-14T12:00+02:00", 10 * 3600)):
        now = emulator.control.post("/_emulator/clock", json={"to": moment}).json()["now"]
        assert now == pytest.approx(day + seconds, abs=60)
    for wrong in ("2060-04-13", "someday", None, 7):
        answer = emulator.control.post("/_emulator/clock", json={"to": wrong})
        assert answer.status_code == 400
    assert not answers(emulator, "base")


def test_a_tuned_model_tells_its_own_end(emulator: Inside) -> None:
    base, tuned = (
        emulator.data.get(f"/openai/v1/models/{name}").json()["deprecation"]
        for name in (NANO, emulator.tuned(NANO))
    )
    assert base["fine_tune"] == tuned["fine_tune"]
    assert tuned["inference"] - base["inference"] > 180 * 24 * 3600


# ---- new subscriptions


@pytest.mark.parametrize("retirements", ["shown", "obeyed"])
def test_a_new_subscription_begins_with_no_deprecated_model(
    emulator: Inside, retirements: str
) -> None:
    emulator.settings(subscription="new", retirements=retirements)
    file, tuned = emulator.file(), emulator.tuned(GPT_4O)
    assert emulator.train(GPT_4O, file).json()["error"]["message"] == UNKNOWN
    for model, version in (("gpt-4o", "2024-08-06"), (tuned, "1")):
        error = emulator.put("mine", model, version=version).json()["error"]
        assert error == {
            "code": "ServiceModelDeprecating",
            "message": f"The model 'Format:OpenAI,Name:{model},Version:{version}' is in deprecating"
            " state and cannot be used for new deployments.",
        }
    assert emulator.train(MINI, file).status_code == 200  # Legacy is open to all
    assert emulator.put("mine", emulator.tuned(MINI)).status_code == 201


def test_an_old_subscription_goes_on_with_it(emulator: Inside) -> None:
    assert statuses(emulator)["gpt-4o"] == "Deprecating"
    assert emulator.train(GPT_4O, emulator.file()).status_code == 200
    assert emulator.put("mine", emulator.tuned(GPT_4O)).status_code == 201


def test_who_has_deployed_a_model_is_no_longer_new_to_it(emulator: Inside) -> None:
    """Of this very model: what was deployed of its sister does not count."""
    emulator.settings(subscription="new")
    assert emulator.put("base").status_code == 201
    emulator.it_is(2027, 2, 1)
    assert emulator.put("again").status_code == 201
    assert code(emulator.put("sister", "gpt-4.1-mini")) == "ServiceModelDeprecating"
    emulator.control.post("/_emulator/reset", json={"parts": ["state"]})
    assert code(emulator.put("again")) == "ServiceModelDeprecating"


# ---- what an earlier version has stored


def test_a_state_of_an_earlier_version_still_opens(tmp_path: Path) -> None:
    """Deployments had the name of their quota stored, which was spelled differently; settings and
    jobs had fewer keys."""
    with inside(tmp_path) as emulator:
        emulator.settings(quota_capacity=7)
        emulator.put("kept", capacity=5)
        job = emulator.job(emulator.file())
    age(tmp_path / "emulator.sqlite3")
    with inside(tmp_path) as emulator:
        assert emulator.state("kept") == "Succeeded"
        assert answers(emulator, "kept")
        assert emulator.data.get(f"/openai/v1/fine_tuning/jobs/{job}").status_code == 200
        shown = emulator.control.get("/_emulator/settings").json()
        assert (shown["quota_capacity"], shown["retirements"], shown["quotas"]) == (7, "shown", {})
        assert code(emulator.put("more", capacity=3)) == "InsufficientQuota"  # it counts as before


def age(database: Path) -> None:
    """As version 0.1.0 wrote it before there were regions, lifecycles and quotas by name."""
    later = {"quotas", "subscription", "retirements", "custom_subdomain", "file_limit"}
    later |= {"running_limit", "developer_running_limit"}
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT number, kind, key, body FROM documents").fetchall()
        for number, kind, key, text in rows:
            body = json.loads(text)
            if kind == "deployment":
                body["usage"] = "OpenAI.Standard.gpt-4.1"
            if (kind, key) == ("setting", "settings"):
                for name in later:
                    del body[name]
            update = "UPDATE documents SET body = ? WHERE number = ?"
            connection.execute(update, (json.dumps(body), number))
        connection.execute("DELETE FROM documents WHERE kind = 'deployed'")
    connection.close()
