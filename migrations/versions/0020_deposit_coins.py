"""deposits: coins that are nobody's yet are found by an index; ether that we moved before it was written down."""

import sqlalchemy as sa
from alembic import op

revision = "0020_deposit_coins"
down_revision = "0019_nonces"
branch_labels = None
depends_on = None

# Sweeps and top-ups are older than `ether_flows`: without these rows the gas that we once sent to a deposit address
# would look like somebody's deposit. A top-up brings ether; a sweep takes what it moves, if that is ether, and its fee.
_FLOWS = """
    INSERT INTO ether_flows (network, txid, address, units, block_height)
    SELECT t.network, t.txid, a.address,
           CASE WHEN m.purpose = 'top_up' THEN m.units
                ELSE - coalesce(t.fee_units, 0) - CASE WHEN m.asset = 'ETH' AND t.state = 'final' THEN m.units ELSE 0 END
           END,
           t.block_height
    FROM moves m
    JOIN attempts t ON t.set_id = m.set_id AND t.block_height IS NOT NULL
    JOIN deposit_addresses a ON a.family = 'evm' AND a.index = m.address_index
    WHERE m.purpose = 'sweep' AND t.state IN ('final', 'reverted') OR m.purpose = 'top_up' AND t.state = 'final'
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_index(
        "ix_deposits_uncleared",
        "deposits",
        ["network"],
        postgresql_where=sa.text("booked IS DISTINCT FROM 'customer'"),
    )
    op.execute(_FLOWS)


def downgrade() -> None:
    op.drop_index("ix_deposits_uncleared", "deposits")
