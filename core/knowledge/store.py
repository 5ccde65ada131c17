"""Articles in the database, and the index that is searched in memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy import func, insert, select

from core.db import Database
from core.knowledge.articles import Article
from core.knowledge.chunking import View, split
from core.knowledge.index import IndexedArticle, IndexedView, KnowledgeIndex
from core.models import Document, Organization, Passage, new_id, now
from core.nlp.encoder import Embedder, Meaning
from core.nlp.tokens import VERSION, Tokens
from core.tenancy import Scope

log = structlog.get_logger()

STORED = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Ingested:
    """Numbers of articles."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


async def ingest(
    db: Database,
    organization_id: UUID,
    embedder: Embedder,
    articles: Sequence[Article],
    source: str,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Ingested:
    """Makes `source`'s part of the knowledge equal to `articles`, in one transaction.

    Unchanged articles keep their vectors; articles of the same source that are gone are removed. An id that
    another source used before moves to this one. `progress` is called with the number of articles done.
    """
    async with db.read(organization_id) as scope:
        known = {d.slug: d for d in await scope.session.scalars(scope.select(Document))}
    views = {article.id: split(article) for article in articles}
    digests = {a.id: _digest(a.title, a.url, views[a.id], embedder.name) for a in articles}
    changed = [a for a in articles if a.id not in known or known[a.id].digest != digests[a.id]]
    progress(len(articles) - len(changed))
    embedded = []
    for article in changed:
        meanings = await embedder.read_many([view.text for view in views[article.id]])
        embedded.append((article, list(zip(views[article.id], meanings, strict=True))))
        progress(1)
    gone = [d.slug for d in known.values() if d.source == source and d.slug not in digests]
    moved = [d.slug for d in known.values() if d.source != source and d.slug in digests]
    if changed or gone or moved:
        async with db.write(organization_id) as scope:
            await _count_change(scope)
            await scope.session.execute(
                scope.delete(Document).where(Document.slug.in_(gone + [article.id for article in changed]))
            )
            for document in await scope.session.scalars(scope.select(Document).where(Document.slug.in_(moved))):
                document.source = source
            await _insert(scope, embedded, digests, source)
    added = sum(article.id not in known for article in changed)
    return Ingested(added, len(changed) - added, len(articles) - len(changed), len(gone))


def _digest(title: str, url: str | None, views: Sequence[View], encoder: str) -> str:
    """Changes with the text, with the way it is cut, and with the encoder."""
    content = json.dumps([encoder, VERSION, title, url, [asdict(view) for view in views]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Kept:
    """An article as it lies in the database."""

    document: Document
    passages: list[Passage]

    def digest(self, encoder: str) -> str:
        """What the document's would be, had this encoder read it."""
        views = [
            View(passage.kind, passage.text, passage.heading, passage.body, passage.position)  # type: ignore[arg-type]
            for passage in sorted(self.passages, key=lambda passage: passage.position)
        ]
        return _digest(self.document.title, self.document.url, views, encoder)


def _as_stored(meaning: Meaning) -> tuple[bytes, bytes]:
    """A passage's `vector` and `tokens`."""
    return meaning.vector.astype(STORED).tobytes(), meaning.tokens.to_bytes()


async def _insert(
    scope: Scope,
    embedded: list[tuple[Article, list[tuple[View, Meaning]]]],
    digests: dict[str, str],
    source: str,
) -> None:
    documents: list[dict[str, object]] = []
    passages: list[dict[str, object]] = []
    for article, views in embedded:
        document_id = new_id()
        documents.append(
            {
                "id": document_id,
                "organization_id": scope.organization_id,
                "created_at": now(),
                "slug": article.id,
                "title": article.title,
                "url": article.url,
                "source": source,
                "digest": digests[article.id],
            }
        )
        passages += (
            {
                "id": new_id(),
                "organization_id": scope.organization_id,
                "created_at": now(),
                "document_id": document_id,
                "position": view.position,
                "kind": view.kind,
                "heading": view.heading,
                "text": view.text,
                "body": view.body,
                "vector": vector,
                "tokens": tokens,
            }
            for view, meaning in views
            for vector, tokens in [_as_stored(meaning)]
        )
    if documents:
        await scope.session.execute(insert(Document), documents)
    if passages:
        await scope.session.execute(insert(Passage), passages)


async def _count_change(scope: Scope) -> None:
    """Comes first: the row's lock makes two ingests of one organization wait for each other."""
    organization = await scope.session.get_one(Organization, scope.organization_id)
    organization.knowledge_version += 1
    await scope.session.flush()  # takes the lock now rather than at the end


async def count(scope: Scope) -> int:
    """The number of articles."""
    number = await scope.session.scalar(select(func.count()).select_from(scope.select(Document).subquery()))
    return int(number or 0)


async def sources(scope: Scope) -> list[str]:
    """Where articles were read from."""
    return sorted(await scope.session.scalars(scope.select(Document).with_only_columns(Document.source).distinct()))


async def _kept(scope: Scope) -> list[_Kept]:
    views: dict[UUID, list[Passage]] = defaultdict(list)
    for passage in await scope.session.scalars(scope.select(Passage).order_by(Passage.id)):
        views[passage.document_id].append(passage)
    documents = await scope.session.scalars(scope.select(Document).order_by(Document.slug))
    return [_Kept(document, views[document.id]) for document in documents]


def _outdated(kept: Sequence[_Kept], encoder: str) -> list[_Kept]:
    return [each for each in kept if each.document.digest != each.digest(encoder)]


async def _renew(db: Database, organization_id: UUID, embedder: Embedder, outdated: Sequence[_Kept]) -> None:
    """Reads articles anew that another encoder has read: its vectors say nothing to this one's."""
    log.info("knowledge.renewing", organization_id=str(organization_id), articles=len(outdated), encoder=embedder.name)
    read: dict[UUID, Meaning] = {}
    for kept in outdated:
        meanings = await embedder.read_many([passage.text for passage in kept.passages])
        read.update((passage.id, meaning) for passage, meaning in zip(kept.passages, meanings, strict=True))
    async with db.write(organization_id) as scope:
        await _count_change(scope)
        for kept in await _kept(scope):
            # What an ingest has replaced meanwhile is of this encoder already.
            if all(passage.id in read for passage in kept.passages):
                kept.document.digest = kept.digest(embedder.name)
                for passage in kept.passages:
                    passage.vector, passage.tokens = _as_stored(read[passage.id])


def _indexed(kept: _Kept) -> IndexedArticle:
    document = kept.document
    return IndexedArticle(
        id=document.slug,
        document_id=document.id,
        title=document.title,
        url=document.url,
        views=tuple(
            IndexedView(
                id=passage.id,
                article=document.slug,
                kind=passage.kind,  # type: ignore[arg-type]
                text=passage.text,
                heading=passage.heading,
                body=passage.body,
                position=passage.position,
                vector=np.frombuffer(passage.vector, dtype=STORED),
                tokens=Tokens.from_bytes(passage.tokens),
            )
            for passage in kept.passages
        ),
    )


class Shelf:
    """Every organization's index, kept in memory until its knowledge changes, in whatever process."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._indexes: dict[UUID, tuple[int, KnowledgeIndex]] = {}
        self._locks: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def index(self, organization_id: UUID, version: int) -> KnowledgeIndex:
        """The index of the organization's knowledge at `version` (`Organization.knowledge_version`) or newer."""
        kept = self._indexes.get(organization_id)
        if kept and kept[0] >= version:
            return kept[1]
        async with self._locks[organization_id]:
            kept = self._indexes.get(organization_id)
            if kept and kept[0] >= version:
                return kept[1]
            articles = [_indexed(each) for each in await self._load(organization_id)]
            # Building weighs every view against every other; the event loop must not wait for it.
            index = await asyncio.to_thread(KnowledgeIndex, articles)
            self._indexes[organization_id] = (version, index)
            return index

    async def _load(self, organization_id: UUID) -> list[_Kept]:
        async with self._db.read(organization_id) as scope:
            kept = await _kept(scope)
        # In a thread, as a large knowledge takes a while to hash.
        outdated = await asyncio.to_thread(_outdated, kept, self._embedder.name)
        if not outdated:
            return kept
        await _renew(self._db, organization_id, self._embedder, outdated)
        async with self._db.read(organization_id) as scope:
            return await _kept(scope)
