"""OpenAI's published description as a fuzzer of the emulator: whatever it allows is answered or
refused, as it says, and never with a failure.

TUNEDROP_FUZZ tries more requests of each operation than a few (tests/support/fuzz.py).
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given

from tests.support.fuzz import described

from .harness import KEY, Running
from .judge import Answer, Judge
from .published import DOCUMENT

OPERATIONS = [
    f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods
]
# So that an answer of the model takes no longer than a refusal.
SHORT = {
    "/chat/completions": {"max_completion_tokens": 2, "n": 1},
    "/completions": {"max_tokens": 2, "n": 1, "best_of": 1},
    "/responses": {"max_output_tokens": 16},
    "/embeddings": {},
}
JUDGE = Judge()


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    import schemathesis  # here: it takes a second, and a run of other tests need not wait

    every = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    return {each.label: each for each in (found.ok() for found in every)}  # type: ignore[union-attr]


def with_base(case: Any, base: str) -> Any:
    """Of a deployment that there is; or every answer would be 404."""
    if case.path not in SHORT or not isinstance(case.body, dict):
        return case.body
    body = {key: value for key, value in case.body.items() if key != "max_tokens"}
    return {**body, **SHORT[case.path], "model": base}


@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_it_allows_is_answered(
    shared: Running, base: str, operations: dict[str, Any], label: str
) -> None:
    @described(HealthCheck.filter_too_much)
    @given(operations[label].as_strategy())
    def ask(case: Any) -> None:
        case.body = with_base(case, base)
        answer = case.call(base_url=f"{shared.url}/openai/v1", headers={"api-key": KEY})
        assert answer.status_code < 500, answer.text
        kind = answer.headers.get("content-type", [""])[0].partition(";")[0]
        path = answer.request.path_url.partition("?")[0]
        asked = Answer(case.method.upper(), path, answer.status_code, kind, answer.content)
        assert not JUDGE.misfits(asked)

    ask()
