"""A new organization, with what it needs from the first minute: somebody to sign in, and a chat for its site."""

from __future__ import annotations

import re
import secrets
import unicodedata

from sqlalchemy import select

from core.accounts import create_api_key
from core.db import Database
from core.errors import BadInput
from core.models import Channel, Member, Organization
from core.secrets import SecretBox

LONGEST_SLUG = 64


async def found(db: Database, box: SecretBox, organization: Organization, admin: Member, site_key: str) -> str:
    """Stores an organization with its first member and its chat, and returns an API key. Raises `BadInput` if another
    has its short name."""
    async with db.system() as scope:
        if await scope.session.scalar(select(Organization.id).where(Organization.slug == organization.slug)):
            raise BadInput(f"There is an organization {organization.slug!r} already. Choose another name.")
    async with db.write(organization.id) as scope:
        scope.session.add(organization)
        await scope.session.flush()  # the rows below refer to it
        scope.add(admin)
        sealed = box.seal({"identity_secret": secrets.token_urlsafe(32)})
        scope.add(Channel(kind="widget", name="Website chat", public_key=site_key, sealed_secrets=sealed))
        return create_api_key(scope, "first key")


def slug_of(name: str) -> str:
    """ "Café Noir" becomes "cafe-noir"; a name in another script gets one at random."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower())[:LONGEST_SLUG].strip("-")
    return slug or f"organization-{secrets.token_hex(3)}"
