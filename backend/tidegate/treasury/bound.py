"""What the end of our own transaction means for the move to an exchange that it is for."""

from datetime import datetime

from tidegate.database import Rider
from tidegate.treasury import venue_store
from tidegate.treasury.rules import Booked, VenueState
from tidegate.treasury.tables import Attempt, MoveRow


def bound_mined(row: MoveRow, winner: Attempt | None, now: datetime) -> list[Rider]:
    """It is mined for good: from here on the exchange is asked whether it has it. Nothing for other moves."""
    if not row.venue or winner is None:
        return []
    values = {"state": VenueState.PENDING.value, "booked": Booked.SENT.value, "txid": winner.txid, "due_at": now}
    return [venue_store.mined(row.set_id, values)]


def bound_ended(row: MoveRow, now: datetime, reason: str) -> list[Rider]:
    """It came to nothing: the money is in the hot wallet. Nothing for other moves."""
    if not row.venue:
        return []
    values = {"state": VenueState.FAILED.value, "ended_at": now, "reason": reason[:500]}
    return [venue_store.mined(row.set_id, values)]
