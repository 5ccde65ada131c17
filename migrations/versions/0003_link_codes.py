"""One-time codes that prove whose an address is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "link_codes",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_link_codes_customer_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_link_codes_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_link_codes"),
        sa.UniqueConstraint("customer_id", name="uq_link_codes_customer_id"),
    )
    if op.get_bind().dialect.name == "postgresql":
        named = "current_setting('deskhand.organization_id', true)"
        op.execute("ALTER TABLE link_codes ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE link_codes FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_organization ON link_codes USING ({named} = '*' OR organization_id::text = {named})"
        )


def downgrade() -> None:
    op.drop_table("link_codes")
