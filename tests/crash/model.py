"""What must be true after a run, in plain Python, from what customers were told and nothing else. Pure.

It shares no code with the product: amounts are read from the answers' decimal text, refunds follow the rule that the
quote prints, and the chain is expected to show what an end promises.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

DECIMALS = {"BTC": 8, "ETH": 18, "USDT": 6, "USDC": 6}
ENDS = ("completed", "cancelled", "expired", "rejected", "failed")


def units(code: str, text: str) -> int:
    """Base units of a decimal text; refuses a fraction of one."""
    exact = Decimal(text).scaleb(DECIMALS[code])
    assert exact == int(exact), f"{text} {code} has too many decimals"
    return int(exact)


@dataclass(frozen=True, slots=True)
class Price:
    """What a quote promised: what leaves, what arrives, and the network fee within what leaves, in base units."""

    from_asset: str
    debit: int
    to_asset: str
    deliver: int
    network_fee: int


@dataclass(slots=True)
class Payment:
    """One withdrawal as its owner knows it. `told`: the last state that any answer gave; `called_back`: a cancel was
    answered with yes."""

    id: str
    who: str
    address: str
    price: Price
    verified: bool = False
    called_back: bool = False
    told: str = ""

    @property
    def converting(self) -> bool:
        return self.price.from_asset != self.price.to_asset


@dataclass(slots=True)
class Model:
    """Everybody's money, as the answers have it."""

    given: dict[tuple[str, str], int] = field(default_factory=dict)
    """By customer and asset, what they had at first."""
    payments: list[Payment] = field(default_factory=list)
    conversions: list[tuple[str, Price]] = field(default_factory=list)
    transfers: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(from, to, asset, units)."""

    def holdings(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """Available and held, by customer and asset."""
        free: Counter[tuple[str, str]] = Counter(self.given)
        held: Counter[tuple[str, str]] = Counter()
        for who, price in self.conversions:
            free[who, price.from_asset] -= price.debit
            free[who, price.to_asset] += price.deliver
        for giver, taker, code, amount in self.transfers:
            free[giver, code] -= amount
            free[taker, code] += amount
        for one in self.payments:
            price = one.price
            if one.told == "pending_verification":
                free[one.who, price.from_asset] -= price.debit
                held[one.who, price.from_asset] += price.debit
            elif one.told == "completed":
                free[one.who, price.from_asset] -= price.debit
            elif one.verified and one.converting:
                # The conversion stays; what was to arrive is theirs, and the network fee that nobody paid comes back.
                free[one.who, price.from_asset] -= price.debit - price.network_fee
                free[one.who, price.to_asset] += price.deliver
        return free, held

    def on_chain(self) -> dict[str, list[tuple[str, int]]]:
        """By address, exactly what it was paid."""
        return {
            one.address: [(one.price.to_asset, one.price.deliver)] if one.told == "completed" else []
            for one in self.payments
        }


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the books, and what the exchange has under its client id."""

    client_id: str
    state: str
    booked: tuple[str, ...]
    """Trade ids, as our books have them."""
    at_venue: tuple[tuple[str, ...], ...]
    """The trade ids of each order that the exchange has under this id."""


ORDER_ENDS = ("filled", "partly_filled", "cancelled", "rejected")


@dataclass(frozen=True, slots=True)
class World:
    """What was found after a run, each by the plainest question that there is."""

    free: Mapping[tuple[str, str], int]
    held: Mapping[tuple[str, str], int]
    paid: Mapping[str, list[tuple[str, int]]]
    orders: tuple[Order, ...]
    strangers: tuple[str, ...]
    """Client ids at the exchange that our books do not know."""
    sums: Mapping[str, int]
    """By asset, debits less credits of the whole ledger."""
    delivered: Mapping[str, Mapping[int, set[str]]] = field(default_factory=dict)
    """By customer with a webhook: by sequence number, the ids that it came under."""
    events: Mapping[str, list[int]] = field(default_factory=dict)
    """By customer: the sequence numbers that the outbox gave."""


def differences(model: Model, world: World) -> list[str]:
    """Every sentence in which world and model disagree; none is what is hoped for."""
    return [
        *_payments(model, world),
        *_money(model, world),
        *(one for order in world.orders for one in _order(order)),
        *(f"the exchange has an order {one} that the books do not know" for one in world.strangers),
        *(f"the ledger's {code} does not add up: {left}" for code, left in world.sums.items() if left),
        *_webhooks(world),
    ]


def _payments(model: Model, world: World) -> Iterable[str]:
    for one in model.payments:
        if one.called_back and one.told != "cancelled":
            yield f"{one.id}: cancelled, and it is {one.told}"
        if one.told not in ENDS and (one.verified or one.told != "pending_verification"):
            yield f"{one.id}: a dead end, it stands at {one.told}"
    for address, wanted in model.on_chain().items():
        found = world.paid.get(address, [])
        if len(found) > 1:
            yield f"PAID TWICE: {address} was paid {found}"
        elif found and not wanted:
            yield f"PAID AND NOT COMPLETED: {address} was paid {found}"
        elif wanted and not found:
            yield f"LOST: {address} was promised {wanted} and has nothing"
        elif found != wanted:
            yield f"WRONG AMOUNT: {address} was promised {wanted} and has {found}"


def _money(model: Model, world: World) -> Iterable[str]:
    for name, wanted, found in zip(("available", "held"), model.holdings(), (world.free, world.held), strict=True):
        for who, code in sorted(wanted.keys() | found.keys()):
            told, there = wanted.get((who, code), 0), found.get((who, code), 0)
            if told != there:
                yield f"{who} should have {told} {code} {name} and has {there}"


def _order(order: Order) -> Iterable[str]:
    if order.state not in ORDER_ENDS:
        yield f"order {order.client_id}: a dead end, it stands at {order.state}"
    if len(order.at_venue) > 1:
        yield f"ORDERED TWICE: {order.client_id} is {len(order.at_venue)} orders at the exchange"
    traded = Counter(one for trades in order.at_venue for one in trades)
    if traded != Counter(order.booked):
        yield f"order {order.client_id}: the exchange traded {sorted(traded)}, booked are {sorted(order.booked)}"


def _webhooks(world: World) -> Iterable[str]:
    for who, came in world.delivered.items():
        told = world.events.get(who, [])
        if lost := sorted(set(told) - came.keys()):
            yield f"{who}: the webhook never heard of {lost}"
        if more := sorted(came.keys() - set(told)):
            yield f"{who}: the webhook heard of {more}, which never happened"
        for sequence, ids in came.items():
            if len(ids) != 1:
                yield f"{who}: event {sequence} came under {len(ids)} ids"
