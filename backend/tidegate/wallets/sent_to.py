"""The addresses a user really paid. Written at settle by whoever settles; read for lookalike warnings."""

import uuid
from datetime import datetime

from tidegate.database import Rider
from tidegate.wallets import store


def rider(*, user_id: uuid.UUID, network: str, address: str, at: datetime) -> Rider:
    """Remember that this user's payout reached this address (canonical spelling)."""
    return store.sent(user_id=user_id, network=network, address=address, at=at)
