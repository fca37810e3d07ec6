"""What this room needs to do its work in one process. Made once, at start."""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.chains.port import Chain
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.exchange.desk import Desk
from tidegate.ledger.lane import Lane
from tidegate.treasury.fees import Fees
from tidegate.wallets.cashier import Cashier


@dataclass(frozen=True, slots=True)
class Office:
    db: Database
    lane: Lane
    settings: Settings
    chains: Mapping[str, Chain]
    fees: Fees
    desk: Desk
    cashier: Cashier
