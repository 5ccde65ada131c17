"""The demo organization: an invented shop with its help centre, a widget and an admin."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from core.accounts import OrganizationSettings, hash_password
from core.db import Database
from core.knowledge import sources, store
from core.models import Member, Organization, new_id
from core.nlp.encoder import Embedder
from core.secrets import SecretBox
from core.settings import kept_secret
from web.founding import found
from web.paths import DEMO_KNOWLEDGE, DEMO_SHOP

SLUG = "demo"
SITE_KEY = "demo-site-key"
ADMIN_EMAIL = "admin@cobblewren.example"
LOGIN_FILE = "demo-password.txt"
SOURCE = "demo"


@dataclass(frozen=True, slots=True)
class Loaded:
    organization: Organization
    password: str
    """The admin's."""


async def load(
    db: Database, embedder: Embedder, box: SecretBox, data_dir: Path, progress: Callable[[int], None]
) -> Loaded:
    """Makes the demo organization if it is absent, and brings its help articles up to date.

    Its admin's password is made at random and kept, readable by the owner only, in `data_dir`.
    """
    password = kept_secret(data_dir / LOGIN_FILE, length=9)
    async with db.system() as scope:
        organization = await scope.session.scalar(select(Organization).where(Organization.slug == SLUG))
    if organization is None:
        organization = await _create(db, box, password)
    articles = sources.read_folder(DEMO_KNOWLEDGE)
    await store.ingest(db, organization.id, embedder, articles, SOURCE, progress=progress)
    return Loaded(organization, password)


async def _create(db: Database, box: SecretBox, password: str) -> Organization:
    shop = tomllib.loads(DEMO_SHOP.read_text("utf-8"))
    settings = OrganizationSettings.model_validate(shop["widget"])
    organization = Organization(id=new_id(), slug=SLUG, name=shop["name"], settings=settings.model_dump())
    admin = Member(email=ADMIN_EMAIL, name="Sam Ahmadi", role="admin", password_hash=hash_password(password))
    await found(db, box, organization, admin, SITE_KEY)
    return organization
