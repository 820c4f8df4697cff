"""Any bytes as a run.yaml: a spec within all bounds that can be stored and read again, or a refused
drop with a short message."""

from dataclasses import replace
from math import isfinite

from hypothesis import example, given
from hypothesis import strategies as st

from shared.catalog import facts
from shared.errors import DropError
from shared.run.spec import Spec, effective
from tests.support.fuzz import fuzz
from tests.support.settings import SETTINGS

CAPPED = replace(SETTINGS, budget=5.0, max_capacity=100)
KEYS = [
    *("base_model", "method", "hyperparameters", "seed", "budget", "training_type", "deployment"),
    *(
        "start",
        "n_epochs",
        "batch_size",
        "learning_rate_multiplier",
        "beta",
        "sku",
        "capacity",
        "<<",
    ),
]
VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "~", ".inf", "-.inf", ".nan", "true", "no", "0", "-0.0", "1e3", "[", "{", "]"),
            *("supervised", "dpo", "auto", "manual", "Standard", "developer", "cheap", "}"),
            *("2026-13-45", "0x1F", "1_0", '"\\ud800"', "&a", "*a", "|", ">", "'", '"', "%", "@"),
            *("!!int foo", "`"),
        ]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=20),
)
LINES = st.builds(
    "{}{}{} {}".format,
    st.sampled_from(["", "", "  ", "\t", "- ", "? ", "# "]),
    st.one_of(st.sampled_from(KEYS), st.text(max_size=8)),
    st.sampled_from([":", ":", ":", " :", ""]),
    VALUES,
)
FILES = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    st.lists(LINES, max_size=12).map(lambda lines: "\n".join(lines).encode(errors="surrogatepass")),
    st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=4).map(
        lambda pairs: ("{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}").encode(errors="ignore")
    ),
)


@fuzz
@given(FILES)
@example(b"budget: ~")
@example(b"budget: .inf")
@example(b"seed: !!int foo")
@example(b"seed: 2026-13-45")
@example(b"seed: " + b"9" * 5_000)
@example(b'base_model: "\\ud800"')
@example(b'"\\ud800": 1')
@example(b"\xff\xfe\x00\xd8")
@example(b"seed: " + b"[" * 20_000)
def test_any_bytes_are_a_spec_within_all_bounds_or_a_refused_drop(run_yaml: bytes) -> None:
    try:
        spec = effective(run_yaml, CAPPED)
    except DropError as error:
        assert len(str(error)) <= 500
        assert str(error).isprintable()
        return
    assert spec.budget is not None
    assert isfinite(spec.budget)
    assert 0 <= spec.budget <= 5
    assert 1 <= spec.deployment.capacity <= 100
    assert spec.deployment.sku in facts.SKUS.values.values()
    assert spec.training_type in facts.TIERS.values()
    assert spec.seed is None or 0 <= spec.seed < 2**31
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
