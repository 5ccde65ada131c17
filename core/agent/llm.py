"""The model port, and its one implementation for every OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import structlog
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.agent.prompts import Prompt
from core.settings import Settings

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

log = structlog.get_logger()

Failure = Literal["down", "slow", "rate_limited", "refused", "broken", "nonsense", "paused"]
"""`refused`: the request itself (key, model's name), so that trying again is useless. `broken`: the server, not us.
`paused`: not asked at all, because it failed just before."""
FAILURES = Counter("deskhand_model_failures", "Requests to the language model that gave no answer", ["reason"])

TRIES = 2
SILENCE = 0.45
"""Of the time allowed for a turn: so long a silence ends a try, and leaves time for another one."""
LONGEST_ANSWER = 8_000  # characters; who writes more has lost the thread


class ModelError(Exception):
    """The model is down, slow, rate-limited, or answered with something that is no answer."""

    def __init__(self, reason: Failure, detail: str, retry_after: float | None = 0.0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.retry_after = retry_after
        """Seconds to wait before trying again; None if that is useless."""


class Sentence(BaseModel):
    """One sentence of an answer and the numbers of the passages it rests on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str
    citations: tuple[int, ...] = ()


class ModelAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    enough_information: bool
    sentences: tuple[Sentence, ...] = Field(default=())


class AnswerModel(Protocol):
    async def answer(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        """Writes an answer, calling `on_sentence` with each sentence as soon as it is complete.

        Only what is returned counts: where a first try breaks off, the second one's sentences may differ from those
        handed out. Raises `ModelError`, after one retry and within the time allowed for a turn.
        """


class Breaker:
    """Spares customers the wait for a model that keeps failing: after a few failures in a row nobody asks it for a
    while, then one turn does, and if that goes well, all do."""

    FAILURES = 3
    PAUSE_S = 30.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0

    def check(self) -> None:
        """Raises `ModelError` while the model is left alone."""
        if self._failures < self.FAILURES:
            return
        if self._clock() < self._closed_until:
            raise ModelError("paused", "the model failed several times just now and is left alone for a while")
        self._closed_until = self._clock() + self.PAUSE_S

    def failed(self) -> None:
        self._failures += 1
        self._closed_until = self._clock() + self.PAUSE_S

    def succeeded(self) -> None:
        self._failures = 0


class OpenAICompatible:
    def __init__(self, settings: Settings, breaker: Breaker | None = None) -> None:
        self._settings = settings
        self._breaker = breaker or Breaker()
        self._chat: ChatOpenAI | None = None
        self._http: Any = None
        self._making = asyncio.Lock()
        self._wishes: dict[str, Any] = {"response_format": RESPONSE_FORMAT, "temperature": 0}

    async def answer(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        try:
            self._breaker.check()
            answer = await self._within_time(prompt, on_sentence)
        except ModelError as error:
            FAILURES.labels(error.reason).inc()
            if error.reason != "paused":
                self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        self._chat = self._http = None

    async def _within_time(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        chat = await self._client()
        try:
            async with asyncio.timeout(self._settings.llm_timeout_s):
                return await self._with_retry(chat, prompt, on_sentence)
        except TimeoutError:
            raise ModelError("slow", f"the model took longer than {self._settings.llm_timeout_s:g} s") from None

    async def _with_retry(self, chat: Any, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        spoken: list[Sentence] = []

        def speak(sentence: Sentence) -> None:
            spoken.append(sentence)
            on_sentence(sentence)

        def keep_quiet(sentence: Sentence) -> None:
            """The customer has read the beginning of another answer already."""

        for attempt in range(1, TRIES + 1):
            try:
                return await self._as_it_can(chat, prompt, keep_quiet if spoken else speak)
            except ModelError as error:
                wait = error.retry_after
                if attempt == TRIES or wait is None or wait > self._settings.llm_timeout_s / 2:
                    raise
                log.info("model.retry", reason=error.reason, detail=str(error))
                await asyncio.sleep(wait + random.uniform(0, 0.1))
        raise AssertionError("unreachable")

    async def _as_it_can(self, chat: Any, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        """Without whatever this model's server has said that it does not know: some refuse a schema, and some models
        any temperature but their own. The prompt asks for the same JSON in words."""
        from openai import BadRequestError

        while True:
            try:
                return await self._stream(chat.bind(**self._wishes), prompt, on_sentence)
            except BadRequestError as error:
                unknown = next((name for name in self._wishes if name == error.param or name in str(error)), None)
                if unknown is None:
                    raise _as_model_error(error) from error
                log.info("model.without", parameter=unknown, detail=str(error))
                self._wishes = {name: value for name, value in self._wishes.items() if name != unknown}

    async def _stream(self, chat: Any, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        from openai import BadRequestError, OpenAIError

        written, handed_out = "", 0
        try:
            async for chunk in chat.astream(prompt.as_messages()):
                written += chunk.text
                if len(written) > LONGEST_ANSWER:
                    raise ModelError("nonsense", f"the model wrote more than {LONGEST_ANSWER} characters")
                if "}" in chunk.text:  # only then can a sentence have become complete
                    for sentence in _complete_sentences(written)[handed_out:]:
                        on_sentence(sentence)
                        handed_out += 1
        except BadRequestError:
            raise
        except (OpenAIError, TimeoutError) as error:
            raise _as_model_error(error) from error
        # The client libraries hand on whatever breaks in them when a server sends events that are none.
        except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
            raise ModelError("nonsense", f"the model's server sent what no client can read: {error}") from error
        answer = _parse(written)
        for sentence in answer.sentences[handed_out:]:
            on_sentence(sentence)
        return answer

    async def _client(self) -> Any:
        """Made at first use, in a thread: importing it takes 2.5 seconds in which nobody else should wait."""
        async with self._making:
            if self._chat is None:
                self._chat = await asyncio.to_thread(self._make_client)
        return self._chat

    def _make_client(self) -> ChatOpenAI:
        from langchain_openai import ChatOpenAI
        from openai import DefaultAsyncHttpxClient

        settings, silence = self._settings, self._settings.llm_timeout_s * SILENCE
        # Our own, because the library shares one among event loops and never closes it.
        self._http = DefaultAsyncHttpxClient()
        chat = ChatOpenAI(
            model=settings.llm_model or "",
            api_key=settings.openai_api_key or "none",  # type: ignore[arg-type]  # local servers want some key
            base_url=settings.openai_base_url,
            timeout=silence,
            stream_chunk_timeout=silence,
            stream_usage=False,
            use_responses_api=False,
            max_retries=0,
            http_async_client=self._http,
        )
        chat.root_async_client.beta.chat.completions  # noqa: B018  # imports the rest of it here instead of in a turn
        return chat


RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["enough_information", "sentences"],
            "properties": {
                "enough_information": {"type": "boolean"},
                "sentences": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["text", "citations"],
                        "properties": {
                            "text": {"type": "string"},
                            "citations": {"type": "array", "items": {"type": "integer"}},
                        },
                    },
                },
            },
        },
    },
}


def _as_model_error(error: Exception) -> ModelError:
    """What went wrong, and whether to try again. https://developers.openai.com/api/docs/guides/error-codes"""
    import openai

    detail = str(error) or type(error).__name__
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return ModelError("slow", f"the model's server was silent for too long: {detail}")
    if isinstance(error, openai.APIConnectionError):
        return ModelError("down", f"the model's server cannot be reached or hung up: {detail}")
    if isinstance(error, openai.RateLimitError):
        wait = None if error.code == "insufficient_quota" else _seconds(error.response.headers.get("retry-after"))
        return ModelError("rate_limited", detail, wait)
    if isinstance(error, openai.APIStatusError) and error.status_code < 500 and error.status_code not in (408, 409):
        return ModelError("refused", detail, None)
    if isinstance(error, openai.APIError) and not isinstance(error, openai.APIResponseValidationError):
        return ModelError("broken", detail)
    return ModelError("nonsense", detail)


def _seconds(header: str | None) -> float:
    """A date instead of a number is allowed there, but no vendor sends one."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0


def _complete_sentences(written: str) -> Sequence[Sentence]:
    """The sentences finished so far of an answer that says it has enough information; none in case of doubt."""
    begun = written[max(0, written.find("{")) : written.rfind("}") + 1]
    try:
        answer = ModelAnswer.model_validate_json(begun + "]}")
    except ValidationError:
        return ()
    return answer.sentences if answer.enough_information else ()


def _parse(written: str) -> ModelAnswer:
    start, end = written.find("{"), written.rfind("}")
    try:
        return ModelAnswer.model_validate_json(written[start : end + 1])
    except ValidationError:
        raise ModelError("nonsense", "the model's answer was not the JSON it was asked for") from None
