"""What clients ask for and what became of it: orders and trades, in integers of 1e-8. No protocol's words."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.sandbox.venue.prices import Symbol

OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})


class Why(StrEnum):
    """Why the exchange does not do what it was asked. Each dialect has its own words for them."""

    FUNDS = "more than the account has"
    DUPLICATE = "an open order has this client id"
    OFF_TICK = "the price is not on the tick"
    FAR_PRICE = "the price is far from the market"
    OFF_LOT = "the quantity is not a whole number of lots"
    TOO_SMALL = "the quantity is below the least one"
    TOO_LARGE = "the quantity is above the greatest one"
    WORTH = "the order is worth less than the least one"
    TOO_MANY = "too many open orders"
    WOULD_MATCH = "the order would match at once"
    NO_LIQUIDITY = "there is nobody to trade with"
    NO_ORDER = "there is no such order"
    DONE = "the order is done already"
    OTHER_ID = "the two ids name different orders"
    CLOSED = "the market is closed"
    NO_ASSET = "there is no such asset"
    NO_NETWORK = "the asset does not move over that network"
    ADDRESS = "the address is none of that network"
    NO_KEY = "that address is not on the account's list"
    AMOUNT = "less than the least withdrawal"


class Denied(Exception):
    """The exchange's refusal. It has changed nothing."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(slots=True)
class Order:
    """`locked`: what of the spent asset is set aside for the part not yet filled."""

    id: int
    account: str
    symbol: str
    client_id: str
    buys: bool
    type: str
    time_in_force: str
    price: int
    quantity: int
    quote_quantity: int  # of a MARKET order given by its worth; otherwise 0
    time: int
    updated: int
    executed: int = 0
    quote_executed: int = 0
    locked: int = 0
    status: str = "NEW"

    @property
    def open(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Trade:
    """One side's view of a trade; both sides share the id."""

    id: int
    order: int
    account: str
    symbol: str
    price: int
    quantity: int
    quote: int
    fee: int
    fee_asset: str
    time: int
    buys: bool
    maker: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client wants. `quantity` 0: a MARKET order by `quote_quantity`."""

    symbol: Symbol
    buys: bool
    type: str
    time_in_force: str
    quantity: int
    quote_quantity: int
    price: int
    client_id: str
