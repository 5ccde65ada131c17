"""Alembic's entry. `core.migrate` calls it with a connection; there is no offline mode and no ini file."""

from alembic import context

from core.models import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    render_as_batch=True,
    compare_type=True,
)

with context.begin_transaction():
    context.run_migrations()
