"""A running venue: its accounts, its market, its memory, its faults, and the clock that moves them."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.sandbox.venue.candles import Candles
from tidegate.sandbox.venue.dialect import Account
from tidegate.sandbox.venue.engine import Engine
from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds.feed import Movers
from tidegate.sandbox.venue.funding import PENDING, Funding, Payer
from tidegate.sandbox.venue.heard import Log
from tidegate.sandbox.venue.journal import Journal
from tidegate.sandbox.venue.orders import Ask, Denied, Order, Trade, Why
from tidegate.sandbox.venue.prices import BINANCE, Prices, Style, e8, number

log = logging.getLogger(__name__)


REAL_WEIGHT = 6_000


@dataclass(frozen=True, slots=True)
class Config:
    """Accounts by API key. `weight` is what one address may use in a minute in Binance's measure; the other dialects
    allow as many times their real limits as it is of Binance's 6,000.
    """

    accounts: Mapping[str, Account]
    weight: int = 60_000

    @property
    def generosity(self) -> float:
        return self.weight / REAL_WEIGHT

    @classmethod
    def read(cls, path: Path) -> "Config":
        """`{"accounts": [{"name", "api_key", "secret", "balances": {"BTC": "1.5"}, "can_trade"?, "can_withdraw"?,
        "allowed"?: {name: {"asset", "address"}}}], "weight"?}`."""
        value = json.loads(path.read_text())
        accounts = [
            Account(
                name=entry["name"],
                api_key=entry["api_key"],
                secret=entry["secret"],
                balances={asset: e8(text) for asset, text in entry["balances"].items()},
                can_trade=entry.get("can_trade", True),
                can_withdraw=entry.get("can_withdraw", True),
                allowed={key: (one["asset"], one["address"]) for key, one in entry.get("allowed", {}).items()},
            )
            for entry in value["accounts"]
        ]
        return cls({account.api_key: account for account in accounts}, value.get("weight", 60_000))


class World:
    """Everything a running venue is made of. `payer` is asked for each new withdrawal; None leaves them pending."""

    def __init__(
        self,
        config: Config,
        directory: Path,
        seed: int,
        interval: float,
        *,
        style: Style = BINANCE,
        payer: Payer | None = None,
        durable: bool = True,
    ) -> None:
        self.config = config
        self.payer = payer
        self.faults = Faults()
        self.movers = Movers()
        self._told = 0  # the engine's update that the streams have heard of
        self.heard = Log()
        self.prices = Prices(seed, style=style)
        self.engine = Engine(self.prices)
        self.funding = Funding(self.engine)
        self.journal = Journal(directory, durable=durable)
        self.engine.restore(self.journal.cells)
        self.funding.restore(self.journal.cells)
        self.notes: dict[str, Any] = {
            key.removeprefix("note:"): value for key, value in self.journal.cells.items() if key.startswith("note:")
        }
        self.journal.cells.clear()
        for account in config.accounts.values():
            self.engine.open_account(account.name, dict(account.balances))
            for name, (asset, address) in account.allowed.items():
                self.allow(account.name, name, asset, address)
        # Update numbers must not fall back over a restart; the clock runs ahead of them.
        self.engine.updates = max(self.engine.updates, self.now() // 100)
        self.interval = interval
        self.seen: dict[str, tuple[int, int, int]] = {}  # symbol → first, highest, lowest mid
        self.candles = Candles(self.prices)
        self.save()

    def now(self) -> int:
        """The venue's own clock in milliseconds, right or wrong."""
        wrong = self.faults.seconds("venue_clock_ahead") - self.faults.seconds("venue_clock_behind")
        return time.time_ns() // 1_000_000 + int(wrong * 1000)

    def note(self, name: str, value: Any) -> None:
        """Something of a dialect's own that outlives a restart (the last nonce of a key)."""
        self.notes[name] = value
        self.engine.changes[f"note:{name}"] = value

    def save(self) -> None:
        """Make what has changed durable: before any answer that tells of it."""
        self.journal.append(self.engine.changes)
        self.engine.changes.clear()
        self.tell()

    def tell(self) -> None:
        """Let the streams know, where anything has moved."""
        if self._told != self.engine.updates:
            self._told = self.engine.updates
            self.movers.tell()

    def step(self) -> None:
        self.prices.step()
        self.after_move()

    def after_move(self) -> None:
        self.engine.step(self.now())
        for name in self.prices.symbols:
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
                except Exception:  # a market that stands still for good would look like a fault that nobody asked for
                    log.exception("the market could not move")

    # Orders, with the faults that are about them.

    def place(self, account: str, ask: Ask, now: int) -> tuple[Order, list[Trade]]:
        """Raises Denied."""
        self.may_act()
        self.engine.fee_in_third = self.faults.active("venue_third_asset_fee")
        halved = self.faults.meets("venue_partial_fill") is not None
        return self.engine.place(account, ask, now, halved=halved)

    def may_act(self) -> None:
        if self.maintained:
            raise Denied(Why.CLOSED)

    @property
    def maintained(self) -> bool:
        return self.faults.active("venue_maintenance")

    def shows(self, one: Order | Trade) -> bool:
        """Whether queries tell of it already."""
        lag = self.faults.seconds("venue_query_lag")
        if isinstance(one, Trade):
            lag = max(lag, self.faults.seconds("venue_fills_lag"))
        return lag == 0 or self.now() - one.time >= lag * 1000

    def orders_of(self, account: str, symbol: str | None = None, *, only_open: bool = False) -> list[Order]:
        return [one for one in self.engine.orders_of(account, symbol, only_open=only_open) if self.shows(one)]

    def trades_of(self, account: str, symbol: str | None = None, order_id: int | None = None) -> list[Trade]:
        return [one for one in self.engine.trades_of(account, symbol, order_id) if self.shows(one)]

    def find(self, account: str, symbol: str | None, order_id: int | None, client_id: str | None) -> Order | None:
        """As `Engine.find`; nothing while queries lag behind."""
        found = self.engine.find(account, symbol, order_id, client_id)
        return found if found is not None and self.shows(found) else None

    # Money out.

    def allow(self, account: str, name: str, asset: str, address: str) -> None:
        """Put an address on the account's list of where it may withdraw to."""
        self.note(f"allowed/{account}/{asset}/{name}", address)

    def allowed(self, account: str, asset: str | None = None) -> list[tuple[str, str, str]]:
        """The account's list: name, asset, address."""
        found = []
        for key, address in self.notes.items():
            kind, _, rest = key.partition("/")
            if kind == "allowed":
                owner, code, name = rest.split("/", 2)
                if owner == account and asset in (None, code):
                    found.append((name, code, address))
        return found

    async def keep_paying(self) -> None:
        """Hand each pending withdrawal to the payer, once: what a payer raised over may have been paid all the same."""
        while self.payer is not None:
            for one in list(self.funding.withdrawals.values()):
                if one.state == PENDING and not one.asked_payer:
                    one.asked_payer = True
                    self.funding.touch(one)
                    self.save()
                    try:
                        txid = await self.payer.pay(one.asset, one.network, one.address, number(one.amount))
                    except Exception:  # whoever pays is not ours: the withdrawal stays pending, and is asked for once
                        log.exception("a withdrawal was not paid, or nobody knows: %d", one.id)
                        continue
                    self.funding.complete(one.id, txid, self.now())
                    self.save()
            await asyncio.sleep(0.2)
