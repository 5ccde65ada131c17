"""One in-memory stand-in for each port, for what a test cannot have for real: a vendor, a slow or broken model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from core.agent.llm import ModelAnswer, ModelError, Sentence
from core.agent.prompts import Prompt
from core.messages import OutboundMessage
from core.models import Channel
from core.nlp.encoder import Encoder, Encoding, Meaning
from core.outbox import Posted
from core.reports import Digest, Weekly


class FakeSender:
    """A `Sender`. What was sent is in `sent`; the first of `failures` is raised, once each, instead of sending."""

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.failures: list[Exception] = []
        self.tries = 0
        self.closed = False

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)
        return f"provider-{len(self.sent)}"

    async def aclose(self) -> None:
        self.closed = True

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.sent]


class FakeDesk:
    """A `DeskSender`: the tickets that it was asked to show, in order; the first of `failures` is raised instead."""

    def __init__(self) -> None:
        self.shown: list[UUID] = []
        self.announced: list[Digest | Weekly] = []
        self.removed: list[Posted] = []
        self.failures: list[Exception] = []

    async def show(self, organization_id: UUID, ticket_id: UUID, channel: Channel) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.shown.append(ticket_id)

    async def announce(self, channel: Channel, report: Digest | Weekly) -> Posted:
        if self.failures:
            raise self.failures.pop(0)
        self.announced.append(report)
        return Posted("place", str(len(self.announced)))

    async def remove(self, channel: Channel, post: Posted) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.removed.append(post)

    async def aclose(self) -> None:
        """Nothing is open."""


class FakeMailer:
    """A `Mailer`: (to, subject, text) of what was mailed; the first of `failures` is raised instead."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []

    async def mail(self, to: str, subject: str, text: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append((to, subject, text))


class FakeModel:
    """An `AnswerModel` that gives its answers one after another, and is down when it has none left."""

    def __init__(self, *answers: ModelAnswer | ModelError) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    async def answer(self, prompt: Prompt, on_sentence: Callable[[Sentence], None]) -> ModelAnswer:
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else ModelError("down", "the model is down")
        if isinstance(answer, ModelError):
            raise answer
        for sentence in answer.sentences:
            on_sentence(sentence)
        return answer


class SlowEncoder(Encoder):
    """The real encoder, with a gate that each turn waits at while it is closed, and failures on demand.

    Every turn passes here first, so this is where a test catches one in the middle of its work.
    """

    def __init__(self, real: Encoder, known: dict[str, Meaning] | None = None) -> None:
        self._real = real
        self._known = {} if known is None else known
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[Exception] = []
        self.seen: list[str] = []
        """The texts in the order in which their turns began."""
        self.at_the_gate = 0

    async def encode(self, text: str) -> Encoding:
        self.seen.append(text)
        if self.failures:
            raise self.failures.pop(0)
        self.at_the_gate += 1
        try:
            await self.gate.wait()
        finally:
            self.at_the_gate -= 1
        return await self._real.encode(text)

    async def read(self, text: str) -> Meaning:
        return await self._real.read(text)

    async def read_many(self, texts: Sequence[str]) -> list[Meaning]:
        """The cast's articles are the same in every test: `known` keeps what they mean."""
        for text in texts:
            if text not in self._known:
                self._known[text] = await self._real.read(text)
        return [self._known[text] for text in texts]

    def close(self) -> None:
        """The real one is its maker's."""
