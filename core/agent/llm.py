"""The model port, and its one implementation for every OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.agent.prompts import Prompt
from core.settings import Settings

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

TRIES = 2


class ModelError(Exception):
    """The model is down, slow, rate-limited, or answered with something that is no answer."""


class Sentence(BaseModel):
    """One sentence of an answer and the numbers of the passages it rests on."""

    model_config = ConfigDict(extra="ignore")

    text: str
    citations: list[int] = Field(default_factory=list)


class ModelAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    enough_information: bool
    sentences: list[Sentence] = Field(default_factory=list)


class AnswerModel(Protocol):
    async def answer(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        """Writes an answer, calling `on_sentence` with each sentence as soon as it is complete.

        Raises `ModelError`, after one retry unless sentences have been handed out already.
        """


class OpenAICompatible:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._chat: ChatOpenAI | None = None

    async def answer(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        spoken: list[Sentence] = []

        def speak(sentence: Sentence) -> None:
            spoken.append(sentence)
            on_sentence(sentence)

        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(self._settings.llm_timeout_s):
                    return await self._stream(prompt, speak)
            except (ModelError, TimeoutError) as error:
                if attempt == TRIES or spoken:
                    raise ModelError(str(error) or "the model took too long") from error
        raise AssertionError("unreachable")

    async def _stream(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        from langchain_core.utils.json import parse_partial_json
        from openai import OpenAIError

        written, handed_out = "", 0
        try:
            async for chunk in self._model().astream(prompt.as_messages()):
                written += chunk.text
                complete = _complete_sentences(parse_partial_json, written)
                for sentence in complete[handed_out:]:
                    on_sentence(sentence)
                handed_out = max(handed_out, len(complete))
        except OpenAIError as error:
            raise ModelError(f"the model's server refused: {error}") from error
        answer = _parse(written)
        for sentence in answer.sentences[handed_out:]:
            on_sentence(sentence)
        return answer

    def _model(self) -> Any:
        """The client, made at first use: importing it takes 2.5 seconds."""
        if self._chat is None:
            from langchain_openai import ChatOpenAI

            settings = self._settings
            self._chat = ChatOpenAI(
                model=settings.llm_model or "",
                api_key=settings.openai_api_key or "none",  # type: ignore[arg-type]
                base_url=settings.openai_base_url,
                timeout=settings.llm_timeout_s,
                max_retries=0,
                temperature=0,
            )
        return self._chat.bind(response_format=RESPONSE_FORMAT)


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


def _complete_sentences(parse_partial_json: Callable[[str], Any], written: str) -> Sequence[Sentence]:
    """The sentences that nothing can be added to any more: all but the last one begun."""
    try:
        partial = parse_partial_json(written)
    except ValueError:
        return []
    if not isinstance(partial, dict) or partial.get("enough_information") is not True:
        return []
    try:
        return [Sentence.model_validate(item) for item in (partial.get("sentences") or [])[:-1]]
    except (ValidationError, TypeError):
        return []


def _parse(written: str) -> ModelAnswer:
    start, end = written.find("{"), written.rfind("}")
    try:
        return ModelAnswer.model_validate_json(written[start : end + 1])
    except ValidationError:
        raise ModelError("the model's answer was not the JSON it was asked for") from None
