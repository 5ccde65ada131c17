"""An answer that a person gave, kept as an article of its own."""

from __future__ import annotations

from uuid import UUID

from core.db import Database
from core.errors import BadInput
from core.knowledge import store
from core.knowledge.articles import Article, slug
from core.models import AuditEntry
from core.nlp.encoder import Embedder


async def save(
    db: Database, embedder: Embedder, organization_id: UUID, member_id: UUID, key: str, question: str, answer: str
) -> str:
    """Returns the article's id. Saved again under the same `key`, it replaces what was saved."""
    question, answer = " ".join(question.split()), answer.strip()
    if not question or not answer:
        raise BadInput("A FAQ needs a question and an answer.")
    article = Article(f"{slug(question)}-{key[-6:]}", question, answer, None, (question,))
    await store.ingest(db, organization_id, embedder, [article], f"desk:{key}")
    async with db.write(organization_id) as scope:
        scope.add(AuditEntry(actor_id=member_id, action="faq.saved", details={"article": article.id}))
    return article.id
