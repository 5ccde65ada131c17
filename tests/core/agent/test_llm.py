"""The model port against a local server that speaks the protocol, and fails in every way a server can."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from core.agent.llm import Breaker, ModelAnswer, ModelError, OpenAICompatible, Sentence
from core.agent.prompts import Prompt
from core.settings import Settings
from tests.standins.openai_server import KEY, MODEL, OpenAIServer, Reply, answer

PROMPT = Prompt("Answer from the passages.", "How long does delivery take?")
SAID = answer(("Delivery takes two days.", [1]), ("The label is free.", [2]))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(SAID) as server:
        yield server


@pytest_asyncio.fixture
async def model(server: OpenAIServer, tmp_path: Path) -> AsyncIterator[OpenAICompatible]:
    model = OpenAICompatible(settings_for(server, tmp_path))
    yield model
    await model.aclose()


def settings_for(server: OpenAIServer, path: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "data_dir": path,
        "llm_model": MODEL,
        "openai_api_key": KEY,
        "openai_base_url": server.url,
        "llm_timeout_s": 10.0,
    }
    return Settings(_env_file=None, **{**values, **changes})  # type: ignore[call-arg, arg-type]


async def ask(model: OpenAICompatible) -> tuple[ModelAnswer, list[Sentence]]:
    heard: list[Sentence] = []
    return await model.answer(PROMPT, heard.append), heard


def failures(reason: str) -> float:
    return REGISTRY.get_sample_value("deskhand_model_failures_total", {"reason": reason}) or 0.0


async def test_sentences_are_handed_out_while_the_rest_is_still_being_written(
    model: OpenAICompatible, server: OpenAIServer
) -> None:
    server.replies(answer(("One.", [1]), ("Two.", [1]), ("Three.", [2]), drop_after=9))
    heard: list[Sentence] = []
    with pytest.raises(ModelError):
        await model.answer(PROMPT, heard.append)
    assert [sentence.text for sentence in heard] == ["One."]


async def test_a_whole_answer_comes_with_its_citations(model: OpenAICompatible, server: OpenAIServer) -> None:
    written, heard = await ask(model)
    assert written == ModelAnswer(
        enough_information=True,
        sentences=(
            Sentence(text="Delivery takes two days.", citations=(1,)),
            Sentence(text="The label is free.", citations=(2,)),
        ),
    )
    assert tuple(heard) == written.sentences
    [request] = server.requests
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["response_format"]["json_schema"]["strict"] is True


async def test_a_server_without_schemas_or_temperatures_is_asked_without_them(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    fenced = Reply("Here you are:\n```json\n" + SAID.content + "\n```")
    async with OpenAIServer(fenced, unsupported=("temperature", "response_format")) as server:
        model = OpenAICompatible(settings_for(server, tmp_path))
        first, heard = await ask(model)
        second, _ = await ask(model)
        await model.aclose()
    assert first == second
    assert tuple(heard) == first.sentences
    assert len(server.refused) == 2, "what a server does not know is asked of it once"


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (Reply(status=500), "broken"),
        (Reply(status=503), "broken"),
        (Reply(status=429, headers={"retry-after": "0"}), "rate_limited"),
        (Reply("Dear customer, I would rather write prose."), "nonsense"),
        (Reply(SAID.content[:40]), "nonsense"),
        (Reply(SAID.content[:40], finish_reason="length"), "nonsense"),
        (Reply(SAID.content[:40], finish_reason="content_filter"), "nonsense"),
        (Reply("[1, 2]"), "nonsense"),
        (Reply(json.dumps({"enough_information": "perhaps", "sentences": "none"})), "nonsense"),
        (Reply(json.dumps({"enough_information": True, "sentences": [{"citations": [1]}]})), "nonsense"),
        (Reply(""), "nonsense"),
        (Reply("x" * 9_000, piece=3_000), "nonsense"),
        (Reply(raw=b"data: {not json\n\n"), "nonsense"),
        (Reply(raw=b'data: "a string"\n\n'), "nonsense"),
        (Reply(raw=b'data: {"id": 1}\n\ndata: [DONE]\n\n'), "nonsense"),
        (Reply(raw=b'data: {"error": {"message": "overloaded"}}\n\n'), "broken"),
        (Reply(SAID.content, drop_after=0), "down"),
        (Reply(SAID.content, drop_after=4), "down"),
    ],
)
async def test_each_way_to_fail_is_tried_once_more_then_told_and_counted(
    model: OpenAICompatible, server: OpenAIServer, failing: Reply, reason: str
) -> None:
    server.replies(failing, SAID)
    recovered, _ = await ask(model)
    assert len(recovered.sentences) == 2

    before = failures(reason)
    server.replies(failing)
    with pytest.raises(ModelError) as caught:
        await ask(model)
    assert caught.value.reason == reason
    assert failures(reason) == before + 1
    assert len(server.requests) == 4


async def test_a_second_try_is_not_read_out_over_the_first(model: OpenAICompatible, server: OpenAIServer) -> None:
    other = answer(("Other words.", [1]), ("And more.", [1]))
    server.replies(answer(("One.", [1]), ("Two.", [1]), ("Three.", [2]), drop_after=9), other)
    written, heard = await ask(model)
    assert [sentence.text for sentence in written.sentences] == ["Other words.", "And more."]
    assert [sentence.text for sentence in heard] == ["One."]


async def test_what_trying_again_cannot_help_is_not_tried_again(server: OpenAIServer, tmp_path: Path) -> None:
    server.replies(Reply(status=429, headers={"retry-after": "60"}))
    model = OpenAICompatible(settings_for(server, tmp_path))
    with pytest.raises(ModelError):
        await ask(model)
    server.replies(Reply(status=429, code="insufficient_quota"))
    with pytest.raises(ModelError):
        await ask(model)
    await model.aclose()
    assert len(server.requests) == 2


@pytest.mark.parametrize("wrong", [{"openai_api_key": "sk-another"}, {"llm_model": "no-such-model"}])
async def test_a_wrong_key_or_model_is_refused_once(
    server: OpenAIServer, tmp_path: Path, wrong: dict[str, object]
) -> None:
    model = OpenAICompatible(settings_for(server, tmp_path, **wrong))
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.aclose()
    assert caught.value.reason == "refused"
    assert len(server.refused) == 1


async def test_a_server_that_is_down_is_told_at_once(model: OpenAICompatible, server: OpenAIServer) -> None:
    await server.down()
    with pytest.raises(ModelError) as caught:
        await ask(model)
    assert caught.value.reason == "down"


@pytest.mark.parametrize(
    "slow",
    [
        Reply(SAID.content, before_s=5),
        Reply(SAID.content, between_s=5),
        Reply(SAID.content, between_s=5, keepalive=True),
        Reply(SAID.content, between_s=0.05),
    ],
    ids=["hangs", "stalls", "sends nothing but comments", "trickles"],
)
async def test_a_slow_model_has_the_time_of_one_turn_and_no_more(
    server: OpenAIServer, tmp_path: Path, slow: Reply
) -> None:
    server.replies(slow)
    model = OpenAICompatible(settings_for(server, tmp_path, llm_timeout_s=0.4))
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.aclose()
    assert caught.value.reason == "slow"


async def test_a_silent_try_leaves_time_for_another(server: OpenAIServer, tmp_path: Path) -> None:
    server.replies(Reply(before_s=5), SAID)
    model = OpenAICompatible(settings_for(server, tmp_path, llm_timeout_s=1.2))
    written, _ = await ask(model)
    await model.aclose()
    assert len(written.sentences) == 2


async def test_a_model_that_keeps_failing_is_left_alone_for_a_while(server: OpenAIServer, tmp_path: Path) -> None:
    clock = [0.0]
    model = OpenAICompatible(settings_for(server, tmp_path), Breaker(lambda: clock[0]))
    server.replies(Reply(status=401))
    for _ in range(Breaker.FAILURES):
        with pytest.raises(ModelError):
            await ask(model)
    with pytest.raises(ModelError) as caught:
        await ask(model)
    assert caught.value.reason == "paused"
    assert len(server.requests) == Breaker.FAILURES

    clock[0] += Breaker.PAUSE_S
    server.replies(SAID)
    await ask(model)
    await ask(model)
    await model.aclose()
    assert len(server.requests) == Breaker.FAILURES + 2


def test_after_a_pause_one_turn_asks_and_the_others_wait() -> None:
    clock = [0.0]
    breaker = Breaker(lambda: clock[0])
    for _ in range(Breaker.FAILURES):
        breaker.failed()
    clock[0] += Breaker.PAUSE_S
    breaker.check()
    with pytest.raises(ModelError):
        breaker.check()
    breaker.succeeded()
    breaker.check()
