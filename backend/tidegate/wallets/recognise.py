"""What did somebody paste? An address or an invoice, for which asset, over which networks, with what to look at."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Occupant
from tidegate.chains.uri import BadPayment, LightningOnly, PaymentRequest, parse_payment
from tidegate.idempotency import Keyed, Stored
from tidegate.money import UnknownAsset, format_units
from tidegate.money import asset as asset_of
from tidegate.once import Done, once
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import destinations
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.destinations import Destination
from tidegate.wallets.schemas import PaymentOut, TwinOut, ValidationOut
from tidegate.wire import asset_in

OTHER_ASSET = "other_asset"
"""Reason: the invoice asks for another asset than the one named."""


LIGHTNING = "lightning"
"""Reason: an invoice that cannot be paid on the chain."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be judged: an address, on each of the networks it can mean."""

    address: str
    networks: list[str]
    payment: PaymentOut | None


@dataclass(frozen=True, slots=True)
class _Read:
    """An invoice in the house's words. `asset` None: it names none; `networks`: those it can mean."""

    asset: str | None
    networks: list[str]
    units: int | None
    label: str | None


async def recognise(
    cashier: Cashier, *, user_id: uuid.UUID, asset: str, network: str | None, text: str, keyed: Keyed
) -> Stored:
    """Judge what was pasted, for one asset and perhaps one network. Changes nothing.

    Refuses UNKNOWN_ASSET and UNKNOWN_NETWORK only: a bad address is an answer, not a refusal.
    """
    asset_in(asset)
    if network is not None:
        cashier.pair(asset, network)
    asked = _asked(cashier, asset, network, text)
    seen: dict[str, Occupant | None] = {}
    if isinstance(asked, _Asked):
        for name in asked.networks:
            seen[name] = await destinations.look(cashier.chains[name], asked.address)

    async def work(session: AsyncSession) -> Done:
        found = asked
        if isinstance(found, _Asked):
            found = await _judge(cashier, session, user_id, asset, found, seen)
        return Done(found.model_dump(mode="json"))

    return await once(cashier.db, keyed, user_id=user_id, operation="addresses_validate", work=work)


def _asked(cashier: Cashier, asset: str, network: str | None, text: str) -> _Asked | ValidationOut:
    """What is to be judged, or the answer when the text alone says no."""
    try:
        asked = parse_payment(text)
    except LightningOnly as error:
        return _no(LIGHTNING, str(error), None)
    except BadPayment as error:
        return _no(Kind.INVALID_ADDRESS, str(error), None)
    read = _read(cashier, asked)
    if read is None:
        return _no(OTHER_ASSET, "The invoice asks for a token that is not known here.", None)
    payment = _payment(read, asked)
    if read.asset is not None and read.asset != asset:
        return _no(OTHER_ASSET, f"The invoice asks for {read.asset}.", payment)
    wanted = [name for name in cashier.settings.networks_of(asset) if name in read.networks]
    if network is not None:
        wanted = [name for name in wanted if name == network]
    if not wanted:
        return _no(Kind.WRONG_NETWORK, f"{asset} cannot be sent there.", payment)
    return _Asked(asked.address, wanted, payment)


async def _judge(
    cashier: Cashier,
    session: AsyncSession,
    user_id: uuid.UUID,
    asset: str,
    asked: _Asked,
    seen: Mapping[str, Occupant | None],
) -> ValidationOut:
    found: dict[str, Destination] = {}
    refusals: list[Refusal] = []
    for name in asked.networks:
        try:
            found[name] = await destinations.check(
                session,
                chain=cashier.chains[name],
                settings=cashier.settings,
                user_id=user_id,
                network=name,
                asset=asset,
                address=asked.address,
                occupant=seen[name],
            )
        except Refusal as refusal:
            refusals.append(refusal)
    if not found:
        # The most telling of the answers: one network knowing it as its own says more than another not knowing it.
        told = max(refusals, key=lambda one: one.kind is not Kind.INVALID_ADDRESS)
        return _no(told.kind, told.detail, asked.payment)
    first = next(iter(found.values()))
    twin = next((one.twin for one in found.values() if one.twin is not None), None)
    return ValidationOut(
        valid=True,
        address=first.address,
        networks=list(found),
        kind=first.kind,
        warnings=list(dict.fromkeys(code for one in found.values() for code in one.warnings)),
        lookalike=TwinOut(**asdict(twin)) if twin is not None else None,
        payment=asked.payment,
        reason=None,
        detail=None,
    )


def _no(reason: str, detail: str, payment: PaymentOut | None) -> ValidationOut:
    return ValidationOut(
        valid=False,
        address=None,
        networks=[],
        kind=None,
        warnings=[],
        lookalike=None,
        payment=payment,
        reason=str(reason),
        detail=detail,
    )


def _read(cashier: Cashier, asked: PaymentRequest) -> _Read | None:
    """The invoice in the house's words; None when it asks for a token that nobody here knows."""
    networks = {name: one for name, one in cashier.settings.networks.items() if name in cashier.chains}
    if asked.kind is None:
        return _Read(None, list(networks), None, None)
    named = [
        name
        for name, one in networks.items()
        if one.family == asked.kind and (asked.chain_id is None or one.chain_id == asked.chain_id)
    ]
    if asked.kind == "bitcoin":
        return _Read("BTC", named, asked.units, asked.label)
    if asked.contract is None:
        # `ethereum:0x…` without a value is how many wallets spell a bare address.
        coins = {one.gas_asset for name, one in networks.items() if one.family == "evm" and name in (named or networks)}
        coin = coins.pop() if len(coins) == 1 else None
        return _Read(coin if asked.units is not None else None, named, asked.units, asked.label)
    contract = asked.contract.lower()
    carriers = [
        (code, name)
        for name in named
        for code, token in networks[name].tokens.items()
        if token.contract.lower() == contract
    ]
    codes = {code for code, _ in carriers}
    if len(codes) != 1:
        return None if named else _Read(None, [], asked.units, asked.label)
    return _Read(codes.pop(), [name for _, name in carriers], asked.units, asked.label)


def _payment(read: _Read, asked: PaymentRequest) -> PaymentOut | None:
    if read.asset is None:
        return None
    amount = None
    if read.units is not None:
        try:
            amount = format_units(read.units, asset_of(read.asset).decimals)
        except UnknownAsset:
            return None
    only = read.networks[0] if len(read.networks) == 1 else None
    # Without a chain id the invoice names no network, and we do not guess one.
    network = only if asked.kind == "bitcoin" or asked.chain_id is not None else None
    return PaymentOut(asset=read.asset, network=network, amount=amount, label=read.label)
