"""What Alembic runs: the steps that are missing, in the transaction that was begun for them."""

from alembic import context

from muffin_v_chihuahua_ml_service.records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
