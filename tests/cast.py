"""Who plays in the tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

from core.accounts import OrganizationSettings, create_api_key, hash_password
from core.helpdesk import Helpdesk
from core.knowledge import store
from core.knowledge.articles import Article
from core.messages import InboundMessage, Person
from core.models import Channel, Member, Organization, new_id

PASSWORD = "correct horse"
sams_hash = cache(hash_password)
ACME_ARTICLES = (
    Article(
        "delivery",
        "How long delivery takes",
        "Delivery within Germany takes two to three working days. Parcels to Austria take four working days.",
        "/help/delivery",
        ("When will my parcel arrive?",),
    ),
    Article(
        "returns",
        "Returning an item",
        "You can return any item within 30 days. The return label is free.",
        "/help/returns",
        ("How do I send something back?",),
    ),
    Article(
        "payment",
        "Ways to pay",
        "We accept Visa, Mastercard, PayPal and bank transfer. We do not accept cash.",
        "/help/payment",
        ("Can I pay with PayPal?",),
    ),
    Article(
        "warranty",
        "Warranty on kettles",
        "Every kettle has a warranty of five years against leaks and faulty heating elements.",
        "/help/warranty",
        ("My kettle is broken, what now?",),
    ),
    Article(
        "gift-cards",
        "Gift cards",
        "Gift cards are sent by e-mail and are valid for three years.",
        "/help/gift-cards",
        ("How long is a voucher valid?",),
    ),
    Article(
        "opening-hours",
        "Opening hours of the shop",
        "Our shop in Leipzig is open from Monday to Saturday, ten to six.",
        "/help/opening-hours",
        ("When are you open?",),
    ),
)
GLOBEX_ARTICLES = (
    Article(
        "rockets",
        "Rocket delivery",
        "Globex rockets ship from the secret silo number 17 within 48 hours.",
        "/rockets",
        ("How long does rocket delivery take?",),
    ),
    Article("fuel", "Fuel for rockets", "Globex rockets burn methane, sold at our silo.", "/fuel", ()),
    Article("refund-policy", "Rocket refunds", "Launched rockets cannot be refunded.", "/refund", ()),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """An organization with what it takes to write to it."""

    id: UUID
    widget_id: UUID
    site_key: str
    identity_secret: str
    sam_id: UUID
    sam_email: str
    api_key: str


async def acme(helpdesk: Helpdesk, **columns: object) -> Shop:
    return await _shop(helpdesk, "acme", ACME_ARTICLES, **columns)


async def globex(helpdesk: Helpdesk, **columns: object) -> Shop:
    return await _shop(helpdesk, "globex", GLOBEX_ARTICLES, **columns)


async def _shop(helpdesk: Helpdesk, slug: str, articles: tuple[Article, ...], **columns: object) -> Shop:
    settings = OrganizationSettings(assistant_name="Robin").model_dump()
    organization = Organization(id=new_id(), slug=slug, name=slug.title(), settings=settings)
    for name, value in columns.items():
        setattr(organization, name, value)
    shop = Shop(
        id=organization.id,
        widget_id=new_id(),
        site_key=f"{slug}-site-key",
        identity_secret=f"{slug}-identity-secret",
        sam_id=new_id(),
        sam_email=f"sam@{slug}.example",
        api_key="",
    )
    async with helpdesk.db.write(organization.id) as scope:
        scope.session.add(organization)
        await scope.session.flush()  # the rows below refer to it
        scope.add(Member(id=shop.sam_id, email=shop.sam_email, name="Sam", password_hash=sams_hash(PASSWORD)))
        scope.add(
            Channel(
                id=shop.widget_id,
                kind="widget",
                name="Website",
                public_key=shop.site_key,
                sealed_secrets=helpdesk.box.seal({"identity_secret": shop.identity_secret}),
            )
        )
        key = create_api_key(scope, "tests")
    await store.ingest(helpdesk.db, organization.id, helpdesk.encoder, articles, "tests")
    return Shop(**{**{name: getattr(shop, name) for name in Shop.__slots__}, "api_key": key})


def from_dana(shop: Shop, text: str, conversation_id: UUID | None = None, **fields: object) -> InboundMessage:
    """A message of dana's to the shop's widget."""
    values: dict[str, object] = {
        "organization_id": shop.id,
        "channel_id": shop.widget_id,
        "external_id": str(uuid4()),
        "author": Person("dana", name="Dana"),
        "text": text,
        "conversation_id": conversation_id,
    }
    return InboundMessage(**{**values, **fields})  # type: ignore[arg-type]


async def another_agent(helpdesk: Helpdesk, shop: Shop, name: str) -> UUID:
    """A colleague of sam's."""
    member = Member(id=new_id(), email=f"{name.lower()}@{shop.site_key}.example", name=name, password_hash="")
    async with helpdesk.db.write(shop.id) as scope:
        scope.add(member)
    return member.id
