"""Blocked senders, and what desks outside still show of people who were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "desk_removals",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", MOMENT, nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _belongs_to("channels", "channel_id"),
        _belongs_to("organizations", "organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_removals"),
    )
    op.create_index("ix_desk_removals_available_at", "desk_removals", ["available_at"])
    if op.get_bind().dialect.name == "postgresql":
        named = "current_setting('deskhand.organization_id', true)"
        op.execute("ALTER TABLE desk_removals ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE desk_removals FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_organization ON desk_removals USING ({named} = '*' OR organization_id::text = {named})"
        )
    op.add_column("sent_reports", sa.Column("place", sa.String(length=64), nullable=True))
    op.add_column("sent_reports", sa.Column("external_id", sa.String(length=64), nullable=True))
    op.add_column("customers", sa.Column("blocked_at", MOMENT, nullable=True))


def _belongs_to(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_desk_removals_{column}", ondelete="CASCADE")


def downgrade() -> None:
    op.drop_column("customers", "blocked_at")
    op.drop_column("sent_reports", "external_id")
    op.drop_column("sent_reports", "place")
    op.drop_table("desk_removals")
