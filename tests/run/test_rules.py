"""The rules of a run that need no outside: names, specs, identity, what may follow what."""

from dataclasses import replace

import pytest

from shared.errors import DropError
from shared.run import ids
from shared.run.folder import DropRole, parse
from shared.run.record import File, Share
from shared.run.spec import effective
from shared.run.stages import ACTIVE, ENDS, Event, Stage, next_stage
from shared.run.steps import STEPS
from tests.support.house import ROOT
from tests.support.settings import SETTINGS


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("captain/training_set.jsonl", ("captain", DropRole.TRAINING)),
        ("captain/train.jsonl", ("captain", DropRole.TRAINING)),
        ("captain/validation_set.jsonl", ("captain", DropRole.VALIDATION)),
        ("captain/val-2.jsonl", ("captain", DropRole.VALIDATION)),
        ("a-1/run.yaml", ("a-1", DropRole.SPEC)),
        ("captain.jsonl", ("captain", DropRole.TRAINING)),
    ],
)
def test_names_that_are_understood(path: str, expected: tuple[str, DropRole]) -> None:
    assert parse(path) == expected


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("Captain/training.jsonl", "Captain"),
        ("-x/training.jsonl", "-x"),
        ("captain@2/training.jsonl", "captain@2"),  # a version, where people chat
        ("captain.json/training.jsonl", "captain.json"),
        ("cap_tain.jsonl", "cap_tain"),
        (f"{'a' * 41}/training.jsonl", "a" * 41),
        ("captain/data.jsonl", "captain/data.jsonl"),
        ("captain/old/training.jsonl", "captain/old/training.jsonl"),
        ("training.jsonl", "training.jsonl"),
        ("Captain.jsonl", "Captain"),
        ("notes.txt", "notes.txt"),
    ],
)
def test_other_names_are_refused_by_name(path: str, named: str) -> None:
    with pytest.raises(DropError) as refused:
        parse(path)
    assert named in refused.value.message
    assert refused.value.fix


def test_a_spec_is_run_yaml_over_the_settings() -> None:
    spec = effective(b"hyperparameters: {n_epochs: 3}\ndeployment: {capacity: 7}", SETTINGS)
    assert spec.base_model == SETTINGS.base_model
    assert spec.hyperparameters.chosen() == {"n_epochs": 3}
    assert (spec.deployment.sku, spec.deployment.capacity) == (SETTINGS.deployment_sku, 7)
    assert effective(b"", SETTINGS) == effective(None, SETTINGS)


@pytest.mark.parametrize(
    ("run_yaml", "said"),
    [
        (b"base_mode: gpt-4o", "base_mode is not a key; did you mean base_model"),
        (b"hyperparameters: {n_epoch: 3}", "did you mean hyperparameters.n_epochs"),
        (b"n_epoch: 3", "n_epoch is not a key; did you mean hyperparameters.n_epochs"),
        (b"capacit: 3", "capacit is not a key; did you mean deployment.capacity"),
        (b"zzzz: 3", "zzzz is not a key."),
        (b"hyperparameters: {n_epochs: 0}", "hyperparameters.n_epochs is 0"),
        (b"seed: many", "seed is 'many'"),
        (b"a: {b: 1", "not YAML in line"),
        (b"just a text", "holds no keys"),
        (b"\xff\xff", "not YAML"),
    ],
)
def test_a_bad_spec_is_refused_by_key_and_value(run_yaml: bytes, said: str) -> None:
    with pytest.raises(DropError) as refused:
        effective(run_yaml, SETTINGS)
    assert said in refused.value.message


def test_nobody_can_ask_for_more_than_the_apps_budget() -> None:
    capped = replace(SETTINGS, budget=5.0)
    assert effective(None, capped).budget == 5.0
    assert effective(b"budget: 2", capped).budget == 2.0
    with pytest.raises(DropError, match="budget is 9; at most 5 USD"):
        effective(b"budget: 9", capped)


def test_identity_is_made_of_content_and_spec_and_of_nothing_else() -> None:
    one = File(name="m/training.jsonl", etag="1", size=1, sha256="aa")
    again = File(name="m/train.jsonl", etag="2", size=1, sha256="aa", file_id="file-1")
    other = File(name="m/training.jsonl", etag="1", size=1, sha256="bb")
    spec = effective(None, SETTINGS)
    known = ids.digest(one, None, spec)
    assert ids.digest(again, None, spec) == known
    different = [
        ids.digest(other, None, spec),
        ids.digest(one, other, spec),
        ids.digest(one, None, effective(b"seed: 1", SETTINGS)),
        ids.digest(one, again, spec),  # the same bytes twice are not one file that is split
        ids.digest(one.replace(share=Share.TRAINING), None, spec),
    ]
    assert len({known, *different}) == 6


def test_an_id_keeps_128_bits_of_the_digest_and_begins_with_its_short_form() -> None:
    digest = "0123456789abcdef" * 4
    run_id = ids.run_id("m-2", digest)
    assert run_id == "m-2-0123456789abcdef0123456789abcdef"
    assert ids.short(run_id) == "m-2-01234567"
    assert ids.short("m-1") == "m-1"
    assert run_id.startswith(ids.earlier_id("m-2", digest))
    assert ids.ID.fullmatch(ids.run_id("m" * 40, digest))


def test_every_active_stage_has_a_step_may_fail_and_can_reach_an_end() -> None:
    assert set(STEPS) == ACTIVE
    for stage in ACTIVE:
        assert next_stage(stage, Event.FAILED) is Stage.FAILED
    reached = {Stage.RECEIVED}
    while more := {next_stage(s, seen) for s in reached & ACTIVE for seen in Event if can(s, seen)}:
        if more <= reached:
            break
        reached |= more
    assert reached >= ENDS | ACTIVE


def can(stage: Stage, seen: Event) -> bool:
    try:
        next_stage(stage, seen)
    except KeyError:
        return False
    return True


def test_the_diagram_has_every_retry() -> None:
    diagram = (ROOT / "docs/life-of-a-run.md").read_text(encoding="utf-8")
    after = next_stage(Stage.SUPERSEDED, Event.RETRY_COMMANDED, Stage.CHECKED)
    assert f"superseded --> {after}: {Event.RETRY_COMMANDED}" in diagram


def test_what_serves_takes_no_retry_and_what_is_held_serves_or_is_compared_again() -> None:
    with pytest.raises(KeyError):
        next_stage(Stage.SERVING, Event.RETRY_COMMANDED, Stage.COMPARING)
    assert next_stage(Stage.HELD, Event.PROMOTE_COMMANDED, Stage.COMPARING) is Stage.SERVING
    assert next_stage(Stage.HELD, Event.RETRY_COMMANDED, Stage.COMPARING) is Stage.TRAINED
