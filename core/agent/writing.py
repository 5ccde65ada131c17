"""From passages to an answer: quoted, or written by a model and checked sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import structlog

from core.agent.llm import AnswerModel, ModelAnswer, ModelError, Sentence
from core.agent.prompts import EARLIER, Prompt, answer_prompt
from core.agent.state import Answer, Proposal, Question, Utterance
from core.agent.verify import Finding, Verification, check, verdict, verify
from core.knowledge.extract import Quote, extract, passages_of
from core.knowledge.index import Hit, IndexedView, Retrieval
from core.knowledge.sentences import sentences
from core.messages import Citation
from core.nlp.redact import Redacted, redact

PASSAGES = 5
MORE_OF_THE_FIRST = 2
LONGEST_PASSAGES = 6000  # characters, together
log = structlog.get_logger()

_ITEM = re.compile(r"(?:[-*•]|\d+[.)])\s")


def quoted(text: str, retrieval: Retrieval) -> Proposal | None:
    """The answer to `text` in the documents' own words."""
    found = extract(text, retrieval.hits)
    if not found.text:
        return None
    sources = tuple(Hit(quote.article, 0.0, quote.passage) for quote in found.citations)
    return Proposal(found.text, sources, tuple(_citation(quote) for quote in found.citations))


async def written(
    model: AnswerModel, question: Question, retrieval: Retrieval, language: str, stream: Callable[[str], None] | None
) -> Proposal | None:
    """The model's answer; None if it has not enough information, or fails. What is proven goes to `stream` at once."""
    sources = best_passages(retrieval)
    if not sources:
        return None
    earlier, safe = _redacted(question)
    prompt = _prompt(question, earlier, safe, sources, language)
    dictation = _Dictation(sources, safe, stream)
    try:
        answer = await model.answer(prompt, dictation.hear)
    except ModelError as error:
        log.warning("model.failed", reason=error.reason, detail=str(error))
        return None
    if not answer.enough_information or not answer.sentences:
        return None
    return dictation.proposal(answer)


def best_passages(retrieval: Retrieval) -> tuple[Hit, ...]:
    """What a model gets to read: the best passage of each of the best articles, and a little more of the first."""
    first = retrieval.hits[0]
    more = [view for view in passages_of(first.article) if view is not first.passage][:MORE_OF_THE_FIRST]
    ranked = [first, *(Hit(first.article, first.score, view) for view in more), *retrieval.hits[1:]]
    chosen: dict[str, Hit] = {}
    room = LONGEST_PASSAGES
    for hit in ranked:
        body = _body(hit)
        if body and body not in chosen and len(body) <= room and len(chosen) < PASSAGES:
            chosen[body] = hit
            room -= len(body)
    return tuple(chosen.values())


def judged(proposal: Proposal, asked: str) -> Verification:
    """Which of its sentences are proven, and whether what is left may be sent."""
    if proposal.findings is not None:
        return verdict(proposal.text, proposal.findings, asked)
    passages = tuple(_Passage(hit.passage.heading, hit.passage.body) for hit in proposal.sources if hit.passage)
    return _quote_judged(proposal.text, passages)


def answer_of(proposal: Proposal, verification: Verification, confidence: float, lead_in: str = "") -> Answer:
    """What is left of a proposal. `lead_in` is said before the documents speak for themselves."""
    if proposal.findings is None:
        text = f"{lead_in}\n\n{verification.text}" if lead_in else verification.text
        return Answer(text, proposal.citations, confidence)
    return Answer(verification.text, _proofs(proposal), confidence, generated=True)


def draft_of(proposal: Proposal, verification: Verification, confidence: float) -> Answer:
    """The whole of a proposal for a person, who is told what is not proven."""
    return Answer(
        text=proposal.text,
        citations=proposal.citations or _proofs(proposal),
        confidence=confidence,
        generated=proposal.findings is not None,
        unproven=tuple(finding.sentence for finding in verification.findings if not finding.supported),
    )


@dataclass(frozen=True, slots=True)
class _Passage:
    heading: str
    body: str


@lru_cache(maxsize=1024)
def _quote_judged(text: str, passages: tuple[_Passage, ...]) -> Verification:
    """Kept, because popular answers are quoted again and again: 0.7 ms at first, nothing afterwards."""
    return verify(text, passages)


class _Dictation:
    """A model's sentences as they come: each is checked, and read on to the customer if it is proven."""

    def __init__(self, sources: Sequence[Hit], safe: Redacted, stream: Callable[[str], None] | None) -> None:
        self._sources = sources
        self._safe = safe
        self._stream = stream
        self._held: list[str] = []
        self._proven = False

    def hear(self, sentence: Sentence) -> None:
        for finding in self._check(sentence, ""):
            self._read_on(finding)

    def proposal(self, answer: ModelAnswer) -> Proposal:
        findings: list[Finding] = []
        for sentence in answer.sentences:
            findings += self._check(sentence, findings[-1].sentence if findings else "")
        text = ""
        for finding in findings:
            text += _gap(text, finding.sentence) + finding.sentence
        return Proposal(text, tuple(self._sources), findings=tuple(findings))

    def _check(self, sentence: Sentence, previous: str) -> list[Finding]:
        """In proof a placeholder says nothing: what it stands for is the customer's own."""
        numbers = [n - 1 for n in dict.fromkeys(sentence.citations) if 0 < n <= len(self._sources)]
        passages = [view for n in numbers if (view := self._sources[n].passage)]
        found = []
        for part in sentences(sentence.text):
            bare = part
            for placeholder in self._safe.originals:
                bare = bare.replace(placeholder, "")
            finding = check(bare, passages, self._safe.text, previous)
            previous = bare
            place = None if finding.passage is None else numbers[finding.passage]
            found.append(replace(finding, sentence=self._safe.restore(part), passage=place))
        return found

    def _read_on(self, finding: Finding) -> None:
        """Holds greetings back until something is proven, and falls silent at the first sentence that is not."""
        if self._stream is None:
            return
        if not finding.supported:
            self._stream = None
            return
        self._held.append(finding.sentence)
        self._proven = self._proven or not finding.neutral
        if self._proven:
            for text in self._held:
                self._stream(text + " ")
            self._held.clear()


def _prompt(
    question: Question, earlier: Sequence[Utterance], safe: Redacted, sources: Sequence[Hit], language: str
) -> Prompt:
    texts = [_shown(hit, hit.passage) for hit in sources if hit.passage]
    return answer_prompt(safe.text, earlier, texts, question.profile, language)


def _shown(hit: Hit, passage: IndexedView) -> str:
    above = f"{hit.article.title} › {passage.heading}" if passage.heading else hit.article.title
    return f"{above}\n{passage.body}"


def _redacted(question: Question) -> tuple[list[Utterance], Redacted]:
    """The conversation and the question without personal data; the same value has the same placeholder in both."""
    earlier: list[Utterance] = []
    known: dict[str, str] = {}
    quoted = [Utterance("system", question.quote)] if question.quote else []
    for said in [*question.history, *quoted][-EARLIER:]:
        safe = redact(said.text, known)
        known.update(safe.originals)
        earlier.append(replace(said, text=safe.text))
    return earlier, redact(question.text, known)


def _proofs(proposal: Proposal) -> tuple[Citation, ...]:
    """For each source that proves something, the part of it that is nearest to what it proves."""
    proven: dict[int, list[str]] = {}
    for finding in proposal.findings or ():
        if finding.supported and finding.passage is not None:
            proven.setdefault(finding.passage, []).append(finding.sentence)
    quotes = (extract(" ".join(said), [proposal.sources[n]]).citations for n, said in proven.items())
    return tuple(_citation(found[0]) for found in quotes if found)


def _citation(quote: Quote) -> Citation:
    return Citation(quote.article.id, quote.article.title, quote.article.url, quote.text)


def _body(hit: Hit) -> str:
    return hit.passage.body.strip() if hit.passage else ""


def _gap(before: str, sentence: str) -> str:
    if not before:
        return ""
    return "\n" if _ITEM.match(sentence) else " "
