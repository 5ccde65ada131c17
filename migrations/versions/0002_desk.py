"""What a desk outside needs: notes, due times, ratings, edits; channels that are listened to; alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PENDING = "state IN ('queued', 'working')"
WAITING_FOR_DESK = "state = 'queued' AND ticket_id IS NOT NULL"
# Plain columns only: SQLite adds a foreign key by making the table anew, and dropping the old one would delete what
# refers to its rows.
ADDED = {
    "channels": [
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
    ],
    "members": [
        sa.Column("away", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("last_assigned_at", MOMENT, nullable=True),
    ],
    "messages": [
        sa.Column("kind", sa.String(length=8), nullable=False, server_default="message"),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("retracted_at", MOMENT, nullable=True),
    ],
    "tickets": [
        sa.Column("snoozed_until", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("first_reply_at", MOMENT, nullable=True),
        sa.Column("resolution", sa.String(length=8), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_comment", sa.Text(), nullable=True),
        sa.Column("rated_at", MOMENT, nullable=True),
    ],
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    _drafts()
    _deliveries()
    _alerts()
    _notes()


def _drafts() -> None:
    """Nothing refers to a draft, so SQLite may make the table anew."""
    op.drop_index("ix_drafts_pending", "drafts")
    with op.batch_alter_table("drafts") as drafts:
        drafts.add_column(sa.Column("unproven", sa.JSON(), nullable=False, server_default="[]"))
        drafts.add_column(sa.Column("reject_reason", sa.String(length=24), nullable=True))
        drafts.add_column(sa.Column("sent_message_id", sa.Uuid(), nullable=True))
        drafts.create_foreign_key(
            "fk_drafts_sent_message_id", "messages", ["sent_message_id"], ["id"], ondelete="SET NULL"
        )
    where = sa.text("state = 'pending'")
    op.create_index("ix_drafts_pending", "drafts", ["conversation_id"], sqlite_where=where, postgresql_where=where)


def _deliveries() -> None:
    op.drop_index("ix_deliveries_pending", "deliveries")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("message_id", existing_type=sa.Uuid(), nullable=True)
        deliveries.add_column(sa.Column("ticket_id", sa.Uuid(), nullable=True))
        deliveries.add_column(sa.Column("action", sa.String(length=8), nullable=False, server_default="send"))
        deliveries.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        deliveries.create_foreign_key("fk_deliveries_ticket_id", "tickets", ["ticket_id"], ["id"], ondelete="CASCADE")
        deliveries.drop_constraint("uq_deliveries_message_id_channel_id", type_="unique")
        deliveries.create_unique_constraint(
            "uq_deliveries_message_id_channel_id_revision", ["message_id", "channel_id", "revision"]
        )
    for name, columns, condition in (
        ("ix_deliveries_pending", ["conversation_id", "id"], PENDING),
        ("ix_deliveries_desk", ["ticket_id", "channel_id"], WAITING_FOR_DESK),
    ):
        where = sa.text(condition)
        op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("mailed_at", MOMENT, nullable=True),
        sa.Column("cleared_at", MOMENT, nullable=True),
        *_tenant("alerts"),
    )
    where = sa.text("cleared_at IS NULL")
    op.create_index(
        "uq_alerts_open", "alerts", ["organization_id", "key"], unique=True, sqlite_where=where, postgresql_where=where
    )
    wall("alerts")


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.String(length=320), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("retracted_at", MOMENT, nullable=True),
        *_tenant("notes"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_notes_ticket_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_notes_member_id", ondelete="SET NULL"),
        sa.UniqueConstraint("organization_id", "external_id", name="uq_notes_organization_id_external_id"),
    )
    op.create_index("ix_notes_ticket_id", "notes", ["ticket_id"])
    wall("notes")


def _tenant(table: str) -> list[sa.Column | sa.Constraint]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=f"fk_{table}_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def wall(table: str) -> None:
    """Row-level security on PostgreSQL, as in 0001."""
    if op.get_bind().dialect.name != "postgresql":
        return
    named = "current_setting('deskhand.organization_id', true)"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_organization ON {table} USING ({named} = '*' OR organization_id::text = {named})")


def downgrade() -> None:
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
