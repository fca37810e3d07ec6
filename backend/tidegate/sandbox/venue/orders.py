"""What clients ask for and what became of it: orders and trades, in integers of 1e-8."""

from dataclasses import dataclass

from tidegate.sandbox.venue.prices import Symbol

OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})


class Denied(Exception):
    """An error of the protocol: code, message, HTTP status."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


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
