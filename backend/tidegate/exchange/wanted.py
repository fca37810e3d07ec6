"""What was asked for, judged as far as that goes without prices: assets, network, amount, destination."""

import uuid
from dataclasses import dataclass

from tidegate.database import utcnow
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import QuoteKind, QuoteSide
from tidegate.exchange.schemas import QuoteIn
from tidegate.ledger.balances import balances_of
from tidegate.money import Asset
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import destinations
from tidegate.wire import amount_in, asset_in


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, judged as far as that goes without prices."""

    kind: QuoteKind
    side: QuoteSide
    source: Asset
    target: Asset
    units: int
    network: str | None
    speed: str | None

    @property
    def converting(self) -> bool:
        return self.source != self.target


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it is to go, as far as the caller said; `address` in its canonical spelling."""

    address: str | None = None
    beneficiary_id: uuid.UUID | None = None
    warnings: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return self.address is not None


async def read(desk: Desk, user_id: uuid.UUID, asked: QuoteIn) -> Wanted:
    """The request in our own terms. Refuses what no price could make possible."""
    source = asset_in(asked.from_asset, field="from_asset")
    target = asset_in(asked.to_asset, field="to_asset")
    kind, side = QuoteKind(asked.kind), QuoteSide(asked.side)
    if kind is QuoteKind.WITHDRAWAL:
        _check_network(desk, asked.network, target)
    else:
        _check_conversion(asked, source, target)
    if asked.amount == "max":
        units = await _everything(desk, user_id, source, side)
    else:
        units = amount_in((source if side is QuoteSide.EXACT_IN else target).code, asked.amount).units
    speed = (asked.speed or "standard") if kind is QuoteKind.WITHDRAWAL else None
    return Wanted(kind, side, source, target, units, asked.network, speed)


def _check_network(desk: Desk, network: str | None, target: Asset) -> None:
    if network is None:
        raise Refusal(Kind.INVALID_REQUEST, "A withdrawal names its network; none is ever assumed.", field="network")
    carriers = desk.settings.networks_of(target.code)
    if network not in carriers:
        raise Refusal(
            Kind.UNKNOWN_NETWORK, f"{target.code} is not paid out on that network.", field="network", allowed=carriers
        )


def _check_conversion(asked: QuoteIn, source: Asset, target: Asset) -> None:
    for field in ("network", "address", "beneficiary_id"):
        if getattr(asked, field) is not None:
            raise Refusal(Kind.INVALID_REQUEST, "A conversion stays inside the account.", field=field)
    if source == target:
        raise Refusal(Kind.INVALID_REQUEST, "A conversion needs two different assets.", field="to_asset")


async def _everything(desk: Desk, user_id: uuid.UUID, source: Asset, side: QuoteSide) -> int:
    if side is not QuoteSide.EXACT_IN:
        raise Refusal(Kind.INVALID_AMOUNT, "`max` goes with exact_in: it is what leaves you.", field="amount")
    async with desk.db.reading() as session:
        held = (await balances_of(session, user_id)).get(source.code)
    if held is None or held.available <= 0:
        raise Refusal(Kind.INSUFFICIENT_FUNDS, f"No {source.code} is available.", field="amount")
    return held.available


async def destination(desk: Desk, user_id: uuid.UUID, asked: QuoteIn, wanted: Wanted) -> Destination:
    """Judge the address or the saved one that was named. Refuses as API.md's table of addresses."""
    if asked.address is not None and asked.beneficiary_id is not None:
        raise Refusal(Kind.INVALID_REQUEST, "Name an address or a saved one, not both.", field="address")
    if wanted.network is None or (asked.address is None and asked.beneficiary_id is None):
        return Destination()
    address, chain, now = asked.address, desk.chain(wanted.network), utcnow()
    occupant = await destinations.look(chain, address) if address is not None else None
    async with desk.db.reading() as session:
        if asked.beneficiary_id is not None:
            saved = await destinations.beneficiary(
                session,
                user_id=user_id,
                beneficiary_id=asked.beneficiary_id,
                asset=wanted.target.code,
                network=wanted.network,
                now=now,
            )
            address = saved.address
        assert address is not None
        found = await destinations.check(
            session,
            chain=chain,
            settings=desk.settings,
            user_id=user_id,
            network=wanted.network,
            asset=wanted.target.code,
            address=address,
            occupant=occupant,
        )
        if asked.beneficiary_id is None:
            await destinations.old_enough(
                session,
                settings=desk.settings,
                user_id=user_id,
                network=wanted.network,
                asset=wanted.target.code,
                address=found.address,
                now=now,
            )
    return Destination(found.address, asked.beneficiary_id, tuple(found.warnings))
