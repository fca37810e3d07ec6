"""treasury: a nonce that pays nobody any more is filled; corrections of a booked fee are numbered."""

import sqlalchemy as sa
from alembic import op

revision = "0019_nonces"
down_revision = "0018_deposits"
branch_labels = None
depends_on = None

_UNSENT = "state = 'built' OR state = 'signed'"
_CANCELS = f"({_UNSENT}) AND plan ->> 'cancel' IS NOT NULL"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("refits", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_attempts_cancel_is_no_payment"), "attempts", "state <> 'final' OR plan ->> 'cancel' IS NULL"
    )
    op.create_check_constraint(op.f("ck_attempts_refits_not_negative"), "attempts", "refits >= 0")
    op.drop_index("uq_attempts_unsent", "attempts")
    for name, where in (
        ("uq_attempts_unsent", f"({_UNSENT}) AND plan ->> 'cancel' IS NULL"),
        ("uq_attempts_unsent_cancel", _CANCELS),
    ):
        op.create_index(name, "attempts", ["set_id"], unique=True, postgresql_where=sa.text(where))
    op.create_index(
        "ix_attempts_shallow", "attempts", ["network", "confirmations"], postgresql_where=sa.text("state = 'final'")
    )
    op.create_index(
        "ix_attempt_sets_left",
        "attempt_sets",
        ["network", "hot_address", "nonce"],
        postgresql_where=sa.text("nonce IS NOT NULL AND outcome = 'dropped'"),
    )


def downgrade() -> None:
    op.drop_index("ix_attempt_sets_left", "attempt_sets")
    op.drop_index("ix_attempts_shallow", "attempts")
    op.drop_index("uq_attempts_unsent_cancel", "attempts")
    op.drop_index("uq_attempts_unsent", "attempts")
    # Fails while a payout and what cancels it both wait to be sent: the schema before cannot hold them.
    op.create_index("uq_attempts_unsent", "attempts", ["set_id"], unique=True, postgresql_where=sa.text(_UNSENT))
    op.drop_constraint(op.f("ck_attempts_refits_not_negative"), "attempts", type_="check")
    op.drop_constraint(op.f("ck_attempts_cancel_is_no_payment"), "attempts", type_="check")
    op.drop_column("attempts", "looked_at")
    op.drop_column("attempts", "refits")
