"""What each word piece of a passage means, for comparing word by word."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there already has none until its article is read in again, and is compared by its vector alone.
    op.add_column("passages", sa.Column("tokens", sa.LargeBinary(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("passages", "tokens")
