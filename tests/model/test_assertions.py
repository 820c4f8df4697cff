"""A promptfoo file is a stranger's: its assertions are understood, nothing of it is run."""

import pytest

from shared.errors import DropError
from shared.model.assertion_kinds import MAX_CHARS, check_of
from shared.model.assertions import LARGEST, read
from tests.support.compared import example
from tests.support.growth import too_slow


def score(kind: str, value: str, text: str) -> float:
    """Of one assertion, with its value as YAML."""
    file = f"tests:\n- assert:\n  - type: {kind}\n    value: {value}\n"
    (case,) = read(file.encode()).cases
    return case.score(text)


@pytest.mark.parametrize(
    ("kind", "value", "passes", "fails"),
    [
        ("equals", "Ahoy!", "Ahoy!", "ahoy!"),
        ("equals", "yes", "yes", "True"),  # YAML 1.1 would have read true
        ("equals", "no", "no", "false"),
        ("equals", "false", "false", "no"),
        ("equals", "0", "0", ""),
        ("equals", "2026-11-28", "2026-11-28", "2026-11-28 00:00:00"),
        ("equals", "0123", "123", "83"),
        ("equals", "'0123'", "0123", "123"),
        ("equals", "{a: 1, b: [x]}", '{"b": ["x"], "a": 1.0}', '{"a": 1}'),
        ("not-equals", "{a: 1}", "no JSON at all", '{"a": 1}'),
        ("contains", "sea", "the sea", "the SEA"),
        ("not-contains", "sea", "the SEA", "the sea"),
        ("icontains", "Sea", "the SEA", "the lake"),
        ("not-icontains", "As an AI", "Arr", "as an ai, I"),
        ("contains-any", "[a, b]", "xb", "xc"),
        ("contains-any", "'a, b'", "xb", "x, "),
        ("contains-all", "[a, b]", "ba", "b"),
        ("icontains-any", "[A, B]", "xb", "xc"),
        ("icontains-all", "[A, B]", "ba", "b"),
        ("starts-with", "Arr", "Arr!", "Well, Arr"),
        ("regex", r"'^\d{4}$'", "2026", "20260"),
        ("regex", "'(?i)ahoy'", "well AHOY", "hello"),
        ("not-regex", r"'\d'", "none", "1"),
        ("is-json", "", "[1]", "[1"),
        ("is-json", "", '"text"', "NaN"),
        ("not-is-json", "", "text", "{}"),
        ("is-json", "{type: object, required: [team]}", '{"team": 1}', "{}"),
        ("is-json", '\'{"type": "object"}\'', "{}", "[]"),
        ("is-json", "'required: [a]\n\n  type: object'", '{"a": 1}', "{}"),
        ("not-is-json", "{type: object}", "no JSON", "{}"),
        ("contains-any", "|\n      a\n      b", "xb", "x"),
        ("contains-all", "'\"a, b\", c'", "c a, b", "a b c"),
        ("is-json", "{properties: {n: {type: integer}}}", '{"n": 1}', '{"n": "1"}'),
        ("contains", "caf\u00e9", "a cafe\u0301", "a cafe"),
    ],
)
def test_what_is_understood(kind: str, value: str, passes: str, fails: str) -> None:
    assert score(kind, value, passes) == 1
    assert score(kind, value, fails) == 0


def test_weights_and_a_threshold_count() -> None:
    asserted = "- {type: contains, value: a, weight: 3}\n  - {type: contains, value: b}"
    (case,) = read(f"tests:\n- assert:\n  {asserted}".encode()).cases
    assert (case.score("a"), case.score("b"), case.score("ab")) == (0.75, 0.25, 1)
    (case,) = read(f"tests:\n- threshold: 0.5\n  assert:\n  {asserted}".encode()).cases
    assert (case.score("a"), case.score("b")) == (1, 0)
    (case,) = read(f"tests:\n- threshold: 0\n  assert:\n  {asserted}".encode()).cases
    assert case.score("a") == 0.75  # as promptfoo has it: none


def test_a_weight_of_nothing_is_no_assertion() -> None:
    assert read(b"tests: [{assert: [{type: contains, value: a, weight: 0}]}]").cases == ()


def test_a_test_with_variables_is_about_the_examples_that_were_made_with_them() -> None:
    file = b"""
prompts: ["{{question}}"]
providers: [openai:gpt-4.1-nano]
defaultTest: {assert: [{type: icontains, value: line}], vars: {word: "{{odd}}"}}
tests:
- vars: {question: Which line is line 3, n: 3}
  assert: [{type: contains, value: "It is line {{ n }}."}]
"""
    asserted = read(file)
    assert len(asserted.about(example(3))) == 2
    assert len(asserted.about(example(4))) == 1
    assert asserted.about(example(3))[1].score("It is line 3.") == 1


def test_variables_may_be_true_or_a_number() -> None:
    file = b"tests: [{vars: {b: true}, assert: [{type: equals, value: '{{b}}'}]}]"
    (case,) = read(file).cases
    assert case.score("true") == 1


@pytest.mark.parametrize("kind", ["javascript", "python", "ruby", "not-javascript"])
def test_what_runs_code_is_refused_by_name_and_place(kind: str) -> None:
    file = f"tests:\n- assert:\n  - {{type: is-json}}\n  - {{type: {kind}, value: 'x'}}"
    with pytest.raises(DropError, match=rf"test 1, assertion 2 \({kind}\): runs code") as refused:
        read(file.encode())
    assert "equals" in refused.value.fix


@pytest.mark.parametrize(
    "kind", ["llm-rubric", "similar", "webhook", "contains-some", "assert-set", "not-", "''", "[]"]
)
def test_what_is_not_understood_is_refused(kind: str) -> None:
    with pytest.raises(DropError, match="test 1, assertion 1"):
        score(kind, "x", "x")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tests: [{assert: [{type: equals, value: 'file://x.txt'}]}]", "reads another file"),
        ("tests: [{assert: [{type: is-json, value: 'file://x.json'}]}]", "reads another file"),
        ("tests: [{assert: [{type: contains-all, value: ['file://x']}]}]", "reads another file"),
        ("tests: [{assert: [{type: equals, value: {a: 'file://x'}}]}]", "reads another file"),
        ("tests: file://tests.csv", "no other file is read"),
        ("tests: [file://test.yaml]", "no other file is read"),
        ("defaultTest: file://default.yaml", "no other file is read"),
        ("tests: [{vars: {a: 'file://a.txt'}}]", "no plain value"),
        ("tests: [{vars: {assert: [{type: is-json}]}}]", "no plain value"),  # a tab too many
        ("tests: [{assert: [{type: is-json, value: 'a: ['}]}]", "its schema is not YAML"),
        ("tests: [{options: {provider: x, transform: output.a}}]", "transform, which runs code"),
        ("tests: [{assertScoringFunction: 'file://x.js'}]", "which runs code"),
        ("tests: [{assert: [{type: equals, value: a, transform: x}]}]", "which runs code"),
        ("tests: [{assert: [{type: equals, value: a, provider: x}]}]", "provider, which is not"),
        ("tests: [{assert: [{type: equals, valeu: a}]}]", "valeu, which is not understood"),
        ("tests: [{assret: []}]", "assret, which is not understood"),
        ("tests: [{assert: {type: equals}}]", "is no list"),
        ("scenarios: []", "scenarios: is not understood"),
        ("tests: [{assert: [{type: equals}]}]", "it has no value"),
        ("tests: [{assert: [{type: contains, value: ''}]}]", "it has no value"),
        (f"tests: [{{assert: [{{type: contains-any, value: '{'a' * 140_000}'}}]}}]", "told apart"),
        ("tests: [{assert: [{type: contains-any, value: []}]}]", "no list of 1 to"),
        ("tests: [{assert: [{type: equals, value: '{{a}}'}]}]", "variable a, which has no value"),
        ("tests: [{assert: [{type: equals, value: '{{a | upper}}'}]}]", "not just {{name}}"),
        ("tests: [{assert: [{type: equals, value: '{% if a %}'}]}]", "not just {{name}}"),
        ("tests: [{assert: [{type: equals, value: a, weight: -1}]}]", "weight: is no number"),
        ("tests: [{assert: [{type: equals, value: a, weight: true}]}]", "weight: is no number"),
        ("tests: [{threshold: .nan, assert: []}]", "threshold: is no number"),
        ("tests: [{assert: [{type: is-json, value: {pattern: a}}]}]", "'pattern' is not"),
        ("tests: [{assert: [{type: is-json, value: {items: {$ref: a}}}]}]", "'\\$ref' is not"),
        ("tests: [{assert: [{type: is-json, value: {type: strign}}]}]", "schema cannot be used"),
        ("tests: [{assert: [{type: regex, value: '(?=a)'}]}]", "no look-around"),
        (r"tests: [{assert: [{type: regex, value: '(a)\1'}]}]", "no look-around"),
        ("tests: [{assert: [{type: regex, value: '(a{99}){99}'}]}]", "repeats a part"),
        (f"tests: [{{assert: [{{type: regex, value: '{'a' * 501}'}}]}}]", "500 characters"),
        ("a: &a [1]\nb: *a", "has an alias"),
        ("a: !!python/object/apply:os.system [ls]", "has a tag"),
        ("a: 1\na: 2", "has a key twice in line 2"),
        ("? [a]\n: 1", "a key that is no name"),
        ("[" * 100 + "]" * 100, "is too deep"),
        ("a: [", "is not YAML"),
        ("", "has no keys"),
        ("- a", "has no keys"),
        ("--- 1\n--- 2", "has a second document in line 2"),
        ("tests: []\n---\ntests: [{assert: [{type: is-json}]}]", "a second document in line 2"),
        ("assert: [{type: is-json}]", "assert, which is not understood"),
        ("test: []", "test, which is not understood"),
        ("extensions: ['file://x.js:hook']", "extensions, which runs code"),
        ("nunjucksFilters: {up: up.js}", "nunjucksFilters, which runs code"),
        ("tests: [{threshold: 2, assert: []}]", "threshold: is no number from 0 to 1"),
    ],
)
def test_what_would_be_passed_over_or_run_is_refused(file: str, said: str) -> None:
    with pytest.raises(DropError, match=said) as refused:
        read(file.encode())
    assert refused.value.fix


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: \x00", b"#" * (LARGEST + 1)])
def test_bytes_that_are_no_yaml_are_refused(data: bytes) -> None:
    with pytest.raises(DropError):
        read(data)


def test_nothing_of_the_file_is_told_but_names() -> None:
    """A value may be a secret; a name steers no terminal."""
    with pytest.raises(DropError) as refused:
        read(b'tests: [{assert: [{type: "\\e[31m", value: hunter2}]}]')
    assert "\x1b" not in str(refused.value) and "hunter2" not in str(refused.value)
    with pytest.raises(DropError, match="test 1, assertion 1") as refused:
        read(b"tests: [{assert: [{type: sk-proj-abcdefghijklmnopqrstuvwxyz}]}]")
    assert "abcdefgh" not in str(refused.value)


def test_what_asserts_nothing_is_read_over() -> None:
    file = b"""
$schema: https://promptfoo.dev/config-schema.json
description: captain
prompts: [file://prompt.txt]
providers: [openai:gpt-4.1]
evaluateOptions: {maxConcurrency: 4}
tests: [{assert: [{type: is-json}]}]
"""
    assert len(read(file).cases) == 1


def test_a_list_of_assertions_is_bounded() -> None:
    many = ", ".join(["{type: is-json}"] * 1_001)
    with pytest.raises(DropError, match="more than 1,000 assertions"):
        read(f"tests: [{{assert: [{many}]}}]".encode())


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "([a-z]+)*!", "(.*a){20}$", "(a?){99}b"])
def test_a_regex_that_others_never_end_takes_time_by_the_text_alone(pattern: str) -> None:
    search = check_of("regex", pattern)
    few, many = (lambda text="a" * n + "?": search(text) for n in (4_000, 16_000))
    assert (told := too_slow(few, many)) is None, told


def test_a_regex_looks_at_no_more_than_is_told() -> None:
    assert check_of("regex", "b$")("a" * (MAX_CHARS - 1) + "b" + "c" * 9)
