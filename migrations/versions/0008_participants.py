"""Who takes part in a conversation, what it grew out of, and whether what was sent arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UNIQUE = "uq_participants_conversation_id_channel_id_external_id"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "participants",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _belongs_to("conversations", "conversation_id"),
        _belongs_to("channels", "channel_id"),
        _belongs_to("organizations", "organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_participants"),
        sa.UniqueConstraint("conversation_id", "channel_id", "external_id", name=UNIQUE),
    )
    if op.get_bind().dialect.name == "postgresql":
        named = "current_setting('deskhand.organization_id', true)"
        op.execute("ALTER TABLE participants ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE participants FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_organization ON participants USING ({named} = '*' OR organization_id::text = {named})"
        )
    # SQLite adds a foreign key only by rebuilding the table, and dropping the old one would take its messages along.
    op.add_column("conversations", sa.Column("linked_to_id", sa.Uuid(), nullable=True))
    op.add_column("conversations", sa.Column("customer_seen_at", MOMENT, nullable=True))
    op.add_column("customer_identities", sa.Column("unreachable", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("recipient", sa.String(length=320), nullable=True))
    op.add_column("deliveries", sa.Column("arrived_at", MOMENT, nullable=True))
    op.add_column("channels", sa.Column("state", sa.JSON(), nullable=True))


def _belongs_to(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_participants_{column}", ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("participants")
    op.drop_column("channels", "state")
    op.drop_column("deliveries", "arrived_at")
    op.drop_column("deliveries", "recipient")
    op.drop_column("customer_identities", "unreachable")
    op.drop_column("conversations", "customer_seen_at")
    op.drop_column("conversations", "linked_to_id")
