"""What can be held here, and what a user holds."""

import uuid
from collections.abc import Mapping

from tidegate.compliance import pause
from tidegate.compliance.pause import Pause
from tidegate.compliance.rules import EVERYTHING
from tidegate.database import utcnow
from tidegate.ledger.balances import Held, balances_of
from tidegate.money import Amount, Asset, format_units, listed_assets, parse_units
from tidegate.wallets import deposit_store, lag, store
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.schemas import AssetOut, BalanceOut, DepositTierOut, NetworkTermsOut
from tidegate.wallets.tables import ScanCursor
from tidegate.wallets.tiers import tiers_of
from tidegate.wire import EstimateOut


async def assets(cashier: Cashier) -> list[AssetOut]:
    """Every listed asset with the networks that carry it and what they ask for."""
    async with cashier.db.reading() as session:
        standing = {one.asset: one for one in await pause.standing(session)}
        scans = await store.scans(session)
    found = []
    for asset in listed_assets():
        networks = [
            _terms(cashier, asset, network, standing, scans.get(network))
            for network in cashier.settings.networks_of(asset.code)
        ]
        found.append(AssetOut(asset=asset.code, name=asset.name, decimals=asset.decimals, networks=networks))
    return found


def _terms(
    cashier: Cashier, asset: Asset, network: str, standing: Mapping[str, Pause], scan: ScanCursor | None
) -> NetworkTermsOut:
    paused = standing.get(asset.code) or standing.get(EVERYTHING)
    settings = cashier.settings
    reason = None
    if paused is not None:
        reason = f"Paused: {paused.reason}"
    elif scan is not None and not scan.fit:
        # Nothing is off: payments wait, deposits are seen when the node is back.
        reason = f"Slow: {scan.reason}"
    elif scan is not None and (why := lag.why(scan, utcnow())) is not None:
        reason = f"Slow: {why}"
    return NetworkTermsOut(
        network=network,
        confirmations_required=settings.networks[network].confirmations,
        deposit_tiers=[
            DepositTierOut(
                from_amount=format_units(tier.from_units, asset.decimals),
                confirmations_required=tier.confirmations,
                finality=tier.finality,
            )
            for tier in tiers_of(settings.networks[network])
            if tier.asset == asset.code
        ],
        minimum_deposit=_minimum(settings.minimum_deposit, asset),
        minimum_withdrawal=_minimum(settings.minimum_withdrawal, asset),
        deposits=paused is None,
        withdrawals=paused is None,
        reason=reason,
    )


def _minimum(minima: Mapping[str, str], asset: Asset) -> str:
    return format_units(minimum_units(minima, asset), asset.decimals)


def minimum_units(minima: Mapping[str, str], asset: Asset) -> int:
    """A configured minimum in base units; one unit where none is configured."""
    text = minima.get(asset.code)
    return 1 if text is None else max(parse_units(text, asset.decimals), 1)


async def balances(cashier: Cashier, *, user_id: uuid.UUID) -> list[BalanceOut]:
    """Every listed asset as this user holds it, also those he holds nothing of."""
    async with cashier.db.reading() as session:
        held = await balances_of(session, user_id)
        on_the_way = await deposit_store.incoming(session, user_id=user_id)
    found = []
    for asset in listed_assets():
        # What is too small to be credited is not on its way to anybody.
        minimum = minimum_units(cashier.settings.minimum_deposit, asset)
        incoming = sum(units for code, units in on_the_way if code == asset.code and units >= minimum)
        found.append(_balance(cashier, asset, held.get(asset.code, Held()), incoming))
    return found


def _balance(cashier: Cashier, asset: Asset, held: Held, incoming: int) -> BalanceOut:
    total = Amount(asset, held.available + held.held)
    worth = cashier.estimate(total)
    estimate = None
    if worth is not None:
        estimate = EstimateOut(currency=worth.currency, amount=f"{worth.amount:f}", as_of=worth.as_of)
    return BalanceOut(
        asset=asset.code,
        available=format_units(held.available, asset.decimals),
        held=format_units(held.held, asset.decimals),
        incoming=format_units(incoming, asset.decimals),
        total=total.text,
        estimate=estimate,
    )
