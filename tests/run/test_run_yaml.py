"""run.yaml: what each key may say, and that none of them lifts a limit of the app."""

from dataclasses import replace
from math import inf, nan

import pytest
from pydantic import BaseModel

from shared.errors import DropError
from shared.run import ids, release
from shared.run.record import File
from shared.run.release import Release
from shared.run.run_yaml import read
from shared.run.spec import AskedDeployment, Hyperparameters, RunYaml, Spec, effective
from shared.settings import Settings
from tests.support.settings import SETTINGS

CAPPED = replace(SETTINGS, budget=5.0)
LONGEST_MESSAGE = 500  # characters


def refused(run_yaml: bytes, settings: Settings = SETTINGS) -> DropError:
    with pytest.raises(DropError) as error:
        effective(run_yaml, settings)
    assert len(str(error.value)) <= LONGEST_MESSAGE
    assert str(error.value).isprintable()
    assert error.value.fix
    return error.value


# ---- every key, and nothing lifts a limit


GROUPS: dict[str, type[BaseModel]] = {
    "hyperparameters": Hyperparameters,
    "deployment": AskedDeployment,
}
KEYS = [
    *RunYaml.model_fields,
    *(f"{group}.{name}" for group, model in GROUPS.items() for name in model.model_fields),
]
LARGE = "1" + "0" * 20
STRANGE = [
    *(".inf", "-.inf", ".nan", "-1", "true", "yes", '""', "2026-13-45", "[1]", "{a: 1}", "-0.1"),
    *("9" * 5_000, LARGE, "1e999", "0x1F", "1_000", "é\u202e", "'null'"),
]
TEXTS = {"base_model": ("yes", "2026-13-45", "0x1F", "1_000", "'null'")}


def written(key: str, value: str) -> bytes:
    outer, _, inner = key.rpartition(".")
    return f"{outer}:\n  {inner}: {value}\n".encode() if outer else f"{key}: {value}\n".encode()


def test_every_key_is_known_here() -> None:
    assert len(KEYS) == 20
    assert set(RunYaml.model_fields) - set(release.KEYS) | {"release"} == set(Spec.model_fields)
    assert set(Release.model_fields) == set(release.KEYS)


def test_what_becomes_of_the_model_is_as_run_yaml_says_or_the_app() -> None:
    app = replace(SETTINGS, gate="enforce", promote="manual", keep="on-demand", idle_after=2.0)
    asked = b"gate: off\npromote: auto\ncheckpoint: best\nkeep: always\nidle_after: 1.5"
    given = {"gate": "off", "promote": "auto", "keep": "always", "idle_after": 1.5}
    assert effective(asked, app).release == Release(**given, checkpoint="best")
    from_app = {"gate": "enforce", "promote": "manual", "keep": "on-demand", "idle_after": 2.0}
    assert effective(None, app).release == Release(**from_app)
    assert "gate is 'of'" in refused(b"gate: of").message


def test_what_becomes_of_the_model_makes_no_other_run() -> None:
    file = File(name="m/training.jsonl", etag="1", size=1, sha256="aa")
    specs = [effective(text, SETTINGS) for text in (None, b"gate: enforce", b"keep: on-demand")]
    assert len({ids.digest(file, None, spec) for spec in specs}) == 1


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("null", ["", "~", "null", "NULL"])
def test_a_key_that_is_null_is_the_apps_default(key: str, null: str) -> None:
    assert effective(written(key, null), CAPPED) == effective(None, CAPPED)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", STRANGE, ids=lambda value: value[:12])
def test_a_value_that_no_key_takes_is_refused(key: str, value: str) -> None:
    if value in TEXTS.get(key, ()):
        return
    error = refused(written(key, value), CAPPED)
    assert "line 1" in error.message or "line 2" in error.message
    if (key, value) != ("budget", LARGE):  # which an app without a budget allows
        refused(written(key, value))


def test_a_number_that_is_a_text_is_refused() -> None:
    assert "seed is '3'" in refused(b'seed: "3"').message
    assert "n_epochs is 3.5" in refused(b"hyperparameters: {n_epochs: 3.5}").message
    assert "n_epochs is True" in refused(b"hyperparameters: {n_epochs: true}").message


@pytest.mark.parametrize("asked", ["", "~", "null", "budget:", "budget: ~", "budget: 5", "{}"])
def test_the_apps_budget_counts_unless_less_is_asked_for(asked: str) -> None:
    assert effective(asked.encode(), CAPPED).budget == 5.0


@pytest.mark.parametrize("asked", [".inf", ".nan", "-1", "true", "5.01", "many", "1e308", "1e309"])
def test_nothing_that_is_asked_for_lifts_the_budget(asked: str) -> None:
    assert refused(f"budget: {asked}".encode(), CAPPED)


def test_a_budget_of_nothing_is_kept() -> None:
    assert effective(b"budget: 0", CAPPED).budget == 0.0


def test_capacity_has_a_ceiling() -> None:
    most = replace(SETTINGS, max_capacity=100)
    assert effective(b"deployment: {capacity: 100}", most).deployment.capacity == 100
    for asked in (b"101", b"1" + b"0" * 20):
        error = refused(b"# one\ndeployment:\n  capacity: " + asked, most)
        assert error.message.startswith("run.yaml, line 3: deployment.capacity is 10")
        assert "at most 100" in error.message
        assert "TUNEDROP_MAX_CAPACITY" in error.fix
    own = replace(most, deployment_capacity=300)
    assert effective(b"deployment: {capacity: 300}", own).deployment.capacity == 300


@pytest.mark.parametrize(
    ("asked", "sku"),
    [
        ("standard", "Standard"),
        ("GLOBALSTANDARD", "GlobalStandard"),
        ("datazonestandard", "DataZoneStandard"),
        ("DeveloperTier", "DeveloperTier"),
        ("Developer", "DeveloperTier"),
    ],
)
def test_a_sku_gets_azures_spelling(asked: str, sku: str) -> None:
    assert effective(f"deployment: {{sku: {asked}}}".encode(), SETTINGS).deployment.sku == sku


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("ProvisionedManaged", "provisioned deployments cost by the unit and hour"),
        ("GlobalProvisionedManaged", "provisioned deployments cost by the unit and hour"),
        ("GlobalStandart", "did you mean GlobalStandard?"),
        ("cheap", "known are Standard, GlobalStandard, DataZoneStandard, DeveloperTier"),
    ],
)
def test_another_sku_is_refused(asked: str, said: str) -> None:
    assert said in refused(f"deployment: {{sku: {asked}}}".encode()).message


def test_a_tier_gets_azures_spelling_and_another_is_refused() -> None:
    assert effective(b"training_type: GLOBALSTANDARD", SETTINGS).training_type == "globalStandard"
    assert effective(b"training_type: developer", SETTINGS).training_type == "developerTier"
    assert "known are globalStandard, standard" in refused(b"training_type: cheap").message
    assert "did you mean developerTier?" in refused(b"training_type: develoer").message


def test_a_seed_is_in_the_services_range() -> None:
    assert effective(b"seed: 2147483647", SETTINGS).seed == 2**31 - 1
    assert "seed is 2147483648" in refused(b"seed: 2147483648").message
    assert "seed is -1" in refused(b"seed: -1").message


@pytest.mark.parametrize("model", ["a b", "a\\nb", "x" * 201, "gpt\\u2028", "é"])
def test_a_models_name_has_no_blanks_and_no_controls(model: str) -> None:
    assert "a model's name" in refused(f'base_model: "{model}"'.encode()).message


def test_beta_is_of_dpo() -> None:
    assert "beta is for `method: dpo`" in refused(b"hyperparameters: {beta: 1}").message
    assert effective(b"method: dpo\nhyperparameters: {beta: 1}", SETTINGS).method == "dpo"


def test_plain_numbers_are_read_as_people_write_them() -> None:
    asked = read(b"a: 010\nb: 1e-1\nc: .5\nd: 2.\ne: +3\nf: no\ng: 2026-01-02\nh: 1:30\ni: '4'\n")
    assert list(asked.values.values()) == [10, 0.1, 0.5, 2.0, 3, "no", "2026-01-02", "1:30", "4"]
    assert [type(v) for v in asked.values.values()][:5] == [int, float, float, float, int]
    strange = read(b"a: .inf\nb: -.inf\nc: .NaN").values
    assert (strange["a"], strange["b"]) == (inf, -inf)
    assert str(strange["c"]) == str(nan)


def test_more_than_the_app_allows_names_the_setting_that_allows_it() -> None:
    limited = replace(SETTINGS, budget=10.0)
    for run_yaml, setting in (
        (b"budget: 11", "TUNEDROP_BUDGET"),
        (b"deployment: {capacity: %d}" % (SETTINGS.largest_capacity + 1), "TUNEDROP_MAX_CAPACITY"),
    ):
        with pytest.raises(DropError) as refused:
            effective(run_yaml, limited)
        assert refused.value.fix == (
            f"Ask for less, or ask whoever runs the app to raise {setting}."
        )
    with pytest.raises(DropError) as refused:
        effective(b"deployment: {capacity: 1%s}" % (b"0" * 30), limited)
    assert f"deployment.capacity is 1{'0' * 19}; at most" in refused.value.message
    at_most = b"budget: 10\ndeployment: {capacity: %d}" % SETTINGS.largest_capacity
    assert effective(at_most, limited).budget == 10.0


def test_hyperparameters_that_were_not_chosen_are_left_to_the_service() -> None:
    assert effective(b"hyperparameters: {n_epochs: 3}", SETTINGS).hyperparameters.chosen() == {
        "n_epochs": 3
    }


def test_other_limits_are_taken_and_the_training_stays() -> None:
    spec = effective(b"seed: 7\nbudget: 2", SETTINGS)
    other = effective(b"budget: 3\nstart: manual", SETTINGS)
    changed = spec.with_limits(other.limits)
    assert (changed.budget, changed.start, changed.seed) == (3.0, "manual", 7)
    assert changed.with_limits(spec.limits) == spec
