"""Desks outside: what they show, who acts there, and what vendors call us with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TENANT_TABLES = ("desk_posts", "desk_people")


def upgrade() -> None:
    op.add_column("channels", sa.Column("account", sa.String(length=64), nullable=True))
    op.create_index("ix_channels_account", "channels", ["account"])
    _posts()
    _people()
    _webhook_events()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            _wall(table)


def _posts() -> None:
    op.create_table(
        "desk_posts",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        *_tenant("desk_posts"),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_desk_posts_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_desk_posts_ticket_id", ondelete="CASCADE"),
        sa.UniqueConstraint("channel_id", "kind", "subject_id", name="uq_desk_posts_channel_id_kind_subject_id"),
        sa.UniqueConstraint("account", "place", "external_id", name="uq_desk_posts_account_place_external_id"),
    )
    op.create_index("ix_desk_posts_ticket_id_channel_id", "desk_posts", ["ticket_id", "channel_id"])


def _people() -> None:
    op.create_table(
        "desk_people",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("link_key", sa.String(length=64), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=False),
        *_tenant("desk_people"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_desk_people_member_id", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "organization_id", "account", "external_id", name="uq_desk_people_organization_id_account_external_id"
        ),
    )


def _webhook_events() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_events"),
        sa.UniqueConstraint("source", "external_id", name="uq_webhook_events_source_external_id"),
    )
    op.create_index(
        "ix_webhook_events_open",
        "webhook_events",
        ["lease_until"],
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )


def _tenant(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=f"fk_{table}_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _wall(table: str) -> None:
    """As in the first migration."""
    named = "current_setting('deskhand.organization_id', true)"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_organization ON {table} USING ({named} = '*' OR organization_id::text = {named})")


def downgrade() -> None:
    for table in ("webhook_events", *reversed(TENANT_TABLES)):
        op.drop_table(table)
    op.drop_index("ix_channels_account", "channels")
    with op.batch_alter_table("channels") as channels:
        channels.drop_column("account")
