"""How far the reading of each network is behind its node: for the customers who wait, for health, for the meters."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.database import Database
from tidegate.wallets import rules, store
from tidegate.wallets.tables import ScanCursor


@dataclass(frozen=True, slots=True)
class Lag:
    """Of one network. `seconds` None: nothing was read yet. `why`: in a sentence, None when all is well."""

    network: str
    fit: bool
    height: int | None
    scanned_height: int | None
    seconds: float | None
    why: str | None

    @property
    def blocks(self) -> int | None:
        """How many blocks of the node are not read yet; None when nothing was read yet."""
        if self.height is None or self.scanned_height is None:
            return None
        return max(self.height - self.scanned_height, 0)


def why(scan: ScanCursor, now: datetime) -> str | None:
    """Why deposits of this network come late although its node is fit; None when they do not."""
    return rules.behind(height=scan.height, scanned_height=scan.scanned_height, scanned_at=scan.scanned_at, now=now)


async def lags(db: Database, now: datetime) -> list[Lag]:
    """Every network that was ever scanned."""
    async with db.reading() as session:
        found = await store.scans(session)
    return [
        Lag(
            network=network,
            fit=scan.fit,
            height=scan.height,
            scanned_height=scan.scanned_height,
            seconds=None if scan.scanned_at is None else max((now - scan.scanned_at).total_seconds(), 0.0),
            why=why(scan, now) if scan.fit else scan.reason or "Its node is not fit.",
        )
        for network, scan in found.items()
    ]
