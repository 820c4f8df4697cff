"""What a line of a validation file asks and expects, and what a chat completion answers."""

import pytest

from shared.model.evaluation import Answer, Call, Expected, Respondent, Role, answer_of, example_of

USER = {"role": "user", "content": "Hello?"}
SAID = {"role": "assistant", "content": "Ahoy!"}
CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}


def test_the_last_answer_is_expected_and_all_before_it_is_asked() -> None:
    first = {"role": "assistant", "content": "Aye?", "weight": 0}
    found = example_of(7, {"messages": [USER, first, USER, SAID], "tools": [{"type": "function"}]})
    assert found and found.line == 7
    assert found.expected == Expected("Ahoy!")
    asked = [USER, {"role": "assistant", "content": "Aye?"}, USER]  # the service knows no weight
    assert found.request == {"messages": asked, "tools": [{"type": "function"}]}


def test_what_comes_after_the_answer_is_not_asked() -> None:
    unlearned = {"role": "assistant", "content": "Bye.", "weight": 0}
    found = example_of(1, {"messages": [USER, SAID, USER, unlearned]})
    assert found and found.expected.text == "Ahoy!"
    assert found.request["messages"] == [USER]


def test_of_a_preference_the_input_is_asked_and_both_answers_are_known() -> None:
    found = example_of(
        1,
        {
            "input": {"messages": [USER], "parallel_tool_calls": False},
            "preferred_output": [SAID],
            "non_preferred_output": [{"role": "assistant", "content": "Hi."}],
        },
    )
    assert found
    assert found.request == {"messages": [USER], "parallel_tool_calls": False}
    assert (found.expected, found.rejected) == (Expected("Ahoy!"), Expected("Hi."))


def test_calls_are_expected_of_tools_and_of_functions() -> None:
    tools = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    functions = {"role": "assistant", "function_call": {"name": "look", "arguments": '{"a": 1}'}}
    for message in (tools, functions):
        found = example_of(1, {"messages": [USER, message]})
        assert found and found.expected == Expected("", (Call(name="look", arguments='{"a": 1}'),))


@pytest.mark.parametrize(
    "parsed",
    [
        {},
        {"messages": "none"},
        {"messages": [USER]},
        {"messages": [SAID]},  # nothing is asked
        {"messages": [USER, {**SAID, "weight": 0}]},
        {"messages": [USER, {"role": "assistant", "content": " \n"}]},
        {"input": {"messages": [USER]}, "preferred_output": [SAID][:0]},
        {"input": {"messages": [USER]}, "non_preferred_output": [SAID]},
        {"input": 1, "preferred_output": [SAID]},
        {"input": {}, "preferred_output": [SAID], "non_preferred_output": [SAID]},
    ],
)
def test_a_line_that_expects_no_answer_is_no_example(parsed: dict[str, object]) -> None:
    assert example_of(1, parsed) is None


def test_an_answer_is_read_out_of_a_completion() -> None:
    message = {"role": "assistant", "content": "Ahoy!", "tool_calls": [CALL]}
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    body = {"choices": [{"message": message, "finish_reason": "length"}], "usage": usage}
    found = answer_of(body, 1.23456)
    assert (found.text, found.calls[0].name) == ("Ahoy!", "look")
    assert (found.prompt_tokens, found.completion_tokens, found.seconds) == (9, 3, 1.235)
    assert found.cut and not found.failed and not found.empty


def test_a_refusal_is_what_was_said() -> None:
    message = {"content": None, "refusal": "I cannot."}
    assert answer_of({"choices": [{"message": message}]}, 1).text == "I cannot."


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": [3]}, {"choices": [{"message": None}]}, {"error": 1}]
)
def test_what_is_no_completion_is_a_failure(body: dict[str, object]) -> None:
    assert answer_of(body, 1).failed


def test_an_answer_can_be_stored_whatever_is_in_it() -> None:
    usage = {"completion_tokens": 2**80, "prompt_tokens": True}
    body = {"choices": [{"message": {"content": "a\ud800\x00", "tool_calls": 4}}], "usage": usage}
    found = answer_of(body, -1)
    assert Answer.model_validate_json(found.model_dump_json()) == found
    assert found.text == "a?\x00"


def test_empty_is_what_says_nothing() -> None:
    assert Answer(text=" \n").empty
    assert not Answer(calls=(Call(name="look"),)).empty
    assert not Answer(failure="500").empty


def test_an_example_without_an_answer_counts_as_failed() -> None:
    found = example_of(3, {"messages": [USER, SAID]})
    assert found
    assert Respondent(Role.BASE, "gpt", {}).answer(found).failed
