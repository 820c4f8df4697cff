"""LangChain as it comes: structured output, tools, an overflow it recognises, embeddings."""

from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, SecretStr

from .harness import KEY, QUESTION, Running

AGENT_STEPS = 5


class Ship(BaseModel):
    """A ship."""

    name: str
    guns: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def chat(emulator: Running, base: str) -> Any:
    from langchain_openai import ChatOpenAI  # seconds, which others that collect need not pay

    return ChatOpenAI(
        base_url=f"{emulator.url}/openai/v1/",
        api_key=SecretStr(KEY),
        model=base,
        max_retries=0,
        max_completion_tokens=200,
    )


@pytest.mark.parametrize("options", [{}, {"method": "function_calling"}, {"method": "json_schema"}])
def test_structured_output(chat: Any, options: dict[str, Any]) -> None:
    assert isinstance(chat.with_structured_output(Ship, **options).invoke("A ship?"), Ship)


def test_structured_output_by_the_responses_api(chat: Any) -> None:
    responding = chat.model_copy(update={"use_responses_api": True})
    assert isinstance(responding.with_structured_output(Ship).invoke("A ship?"), Ship)


@pytest.mark.parametrize("by_responses", [False, True])
def test_a_tool_is_called_and_its_result_answered(
    emulator: Running, chat: Any, by_responses: bool
) -> None:
    emulator.settings(offered_tools="always")
    asking = chat.model_copy(update={"use_responses_api": by_responses}).bind_tools([get_weather])
    messages: list[Any] = [("human", "What is the weather in Paris?")]
    messages.append(asking.invoke(messages))
    (call,) = messages[-1].tool_calls
    assert call["name"] == "get_weather"
    result = get_weather(call["args"]["city"])  # the model may have invented others beside it
    messages.append({"role": "tool", "content": result, "tool_call_id": call["id"]})
    answer = asking.invoke(messages)
    assert answer.text
    assert not answer.tool_calls


def test_a_streamed_call_is_put_together(emulator: Running, chat: Any) -> None:
    emulator.settings(offered_tools="always")
    chunks = list(chat.bind_tools([get_weather]).stream("What is the weather in Paris?"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert [call["name"] for call in whole.tool_calls] == ["get_weather"]
    assert isinstance(whole.tool_calls[0]["args"]["city"], str)


@pytest.mark.parametrize("by_responses", [False, True])
def test_an_overflow_is_known_by_its_code(chat: Any, by_responses: bool) -> None:
    asking = chat.model_copy(update={"use_responses_api": by_responses})
    with pytest.raises(openai.BadRequestError) as refusal:
        asking.invoke("word " * 3000)
    assert refusal.value.code == "context_length_exceeded"


def test_the_sentence_of_an_overflow(v1: OpenAI, base: str) -> None:
    """Clients look for it (azure-sdk-for-python#40986, gpt-researcher#680)."""
    long: Any = [{"role": "user", "content": "word " * 3000}]
    with pytest.raises(openai.BadRequestError) as refusal:
        v1.chat.completions.create(model=base, messages=long)
    said = "This model's maximum context length is 2048 tokens. However, your messages resulted in "
    body: Any = refusal.value.body
    assert body["message"].startswith(said)
    assert (body["code"], body["param"]) == ("context_length_exceeded", "messages")
    with pytest.raises(openai.BadRequestError, match=r"\(\d+ in the messages, 2048 in the compl"):
        v1.chat.completions.create(model=base, messages=QUESTION, max_tokens=2048)


def test_a_long_conversation_without_a_limit_has_what_is_left(v1: OpenAI, base: str) -> None:
    """As the service does it: only who asks for more tokens than there are is refused."""
    long: Any = [{"role": "user", "content": "word " * 1960}]
    answer = v1.chat.completions.create(model=base, messages=long, temperature=1.5, seed=1)
    usage: Any = answer.usage
    assert usage.total_tokens <= 2048
    assert usage.completion_tokens < 512


def test_embeddings(emulator: Running, shared: Running) -> None:
    from langchain_openai import OpenAIEmbeddings

    from .harness import deploy, wait_until

    with shared.arm() as arm:
        deploy(arm, "for-langchain", "text-embedding-3-small", capacity=100)
    embeddings = OpenAIEmbeddings(  # type: ignore[call-arg]
        base_url=f"{emulator.url}/openai/v1/",
        api_key=SecretStr(KEY),
        model="for-langchain",
        check_embedding_ctx_length=False,
    )

    def answers() -> bool:
        try:
            return len(embeddings.embed_documents(["a ship", "a sea"])) == 2
        except openai.NotFoundError:
            return False

    wait_until(answers)
    assert len(embeddings.embed_query("a ship")) == 64
