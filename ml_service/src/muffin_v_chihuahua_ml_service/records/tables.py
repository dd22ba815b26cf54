"""The tables, as the newest migration leaves them; a test holds the two together."""

from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Float,
    ForeignKey,
    MetaData,
    String,
    Table,
    Text,
)

REVISIONS: Final = ("0001",)
"""All migrations, in their order; known here so that Alembic is imported only where one is to be run."""

HEAD: Final = REVISIONS[-1]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

models = Table(
    "models",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("labels", JSON, nullable=False),
)
"""The models that have answered: a thousand labels are not written beside each prediction."""

predictions = Table(
    "predictions",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False, index=True),
    Column("model_digest", ForeignKey("models.digest"), nullable=False, index=True),
    Column("verdict", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("probability", Float, nullable=False),
    Column("filename", Text),
    Column("sha256", String(64), nullable=False),
    Column("picture", Text),
)
"""One row an answer; times are in UTC, ``picture`` is its place below ML_SERVICE_KEEP_PICTURES."""

feedback = Table(
    "feedback",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
)
"""What a prediction's picture really shows: the last that somebody said."""

chores = Table(
    "chores",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("done_at", DateTime(timezone=True), nullable=False),
)
"""What is to be done now and then by one of all processes, and when one of them last took it on."""
