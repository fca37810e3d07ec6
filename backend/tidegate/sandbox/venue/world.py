"""A running venue: its accounts, its market, its memory, its faults, and the clock that moves them."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.sandbox.venue.engine import Engine
from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.journal import Journal
from tidegate.sandbox.venue.prices import SYMBOLS, Prices, e8
from tidegate.sandbox.venue.request import Account

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """Accounts by API key; `weight` is what one address may use in a minute."""

    accounts: Mapping[str, Account]
    weight: int = 60_000

    @classmethod
    def read(cls, path: Path) -> "Config":
        """`{"accounts": [{"name", "api_key", "secret", "balances": {"BTC": "1.5"}, "can_trade"?}], "weight"?}`."""
        value = json.loads(path.read_text())
        accounts = [
            Account(
                name=entry["name"],
                api_key=entry["api_key"],
                secret=entry["secret"],
                balances={asset: e8(text) for asset, text in entry["balances"].items()},
                can_trade=entry.get("can_trade", True),
            )
            for entry in value["accounts"]
        ]
        return cls({account.api_key: account for account in accounts}, value.get("weight", 60_000))


class World:
    """Everything a running venue is made of."""

    def __init__(self, config: Config, directory: Path, seed: int, interval: float) -> None:
        self.config = config
        self.faults = Faults()
        self.prices = Prices(seed)
        self.engine = Engine(self.prices)
        self.journal = Journal(directory)
        self.engine.restore(self.journal.cells)
        self.journal.cells.clear()
        for account in config.accounts.values():
            self.engine.open_account(account.name, dict(account.balances))
        # Update numbers must not fall back over a restart; the clock runs ahead of them.
        self.engine.updates = max(self.engine.updates, self.now() // 100)
        self.interval = interval
        self.seen: dict[str, tuple[int, int, int]] = {}  # symbol → first, highest, lowest mid
        self.used: dict[str, tuple[int, int]] = {}  # address → minute, weight
        self.save()

    @staticmethod
    def now() -> int:
        return time.time_ns() // 1_000_000

    def save(self) -> None:
        """Make what has changed durable: before any answer that tells of it."""
        self.journal.append(self.engine.changes)
        self.engine.changes.clear()

    def step(self) -> None:
        self.prices.step()
        self.after_move()

    def after_move(self) -> None:
        self.engine.step(self.now())
        for name in SYMBOLS:
            mid = self.prices.mid(name)
            first, high, low = self.seen.get(name, (mid, mid, mid))
            self.seen[name] = (first, max(high, mid), min(low, mid))
        self.save()

    async def keep_moving(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            if not self.faults.active("venue_market_paused"):
                try:
                    self.step()
                except Exception:
                    log.exception("the market could not move")

    def weigh(self, address: str, weight: int) -> tuple[int, int]:
        """Weight used in this minute with this call in it, and seconds left of the minute."""
        seconds = time.time_ns() // 1_000_000_000
        minute, used = self.used.get(address, (0, 0))
        used = weight + (used if minute == seconds // 60 else 0)
        self.used[address] = (seconds // 60, used)
        return used, 60 - seconds % 60
