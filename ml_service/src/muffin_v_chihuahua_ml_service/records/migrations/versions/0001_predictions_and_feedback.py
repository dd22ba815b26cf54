"""Models, their predictions, and what these pictures really show."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "models",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_models"),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_digest", sa.String(71), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("filename", sa.Text),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("picture", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
        sa.ForeignKeyConstraint(["model_digest"], ["models.digest"], name="fk_predictions_model_digest"),
    )
    op.create_index("ix_predictions_asked_at", "predictions", ["asked_at"])
    op.create_index("ix_predictions_model_digest", "predictions", ["model_digest"])
    op.create_table(
        "feedback",
        sa.Column("prediction_id", sa.String(26), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prediction_id", name="pk_feedback"),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name="fk_feedback_prediction_id", ondelete="CASCADE"
        ),
    )
    chores = op.create_table(
        "chores",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
    op.bulk_insert(chores, [{"name": "retention", "done_at": datetime(1970, 1, 1, tzinfo=UTC)}])


def downgrade() -> None:
    """Take them away, with all that is in them."""
    for table in ("chores", "feedback", "predictions", "models"):
        op.drop_table(table)
