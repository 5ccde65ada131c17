"""Due times that were missed, who has had a ticket for how long, and which reports went out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name in ("overdue_at", "assigned_at"):
        op.add_column("tickets", sa.Column(name, MOMENT, nullable=True))
    op.create_table(
        "sent_reports",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_sent_reports_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_sent_reports_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sent_reports"),
        sa.UniqueConstraint("channel_id", "name", "period", name="uq_sent_reports_channel_id_name_period"),
    )
    if op.get_bind().dialect.name == "postgresql":
        named = "current_setting('deskhand.organization_id', true)"
        op.execute("ALTER TABLE sent_reports ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE sent_reports FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_organization ON sent_reports USING ({named} = '*' OR organization_id::text = {named})"
        )


def downgrade() -> None:
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
