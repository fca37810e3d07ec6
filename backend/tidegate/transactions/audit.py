"""The audit of the books: the ledger within itself, holds against what they are for, ledger against chain and venue.

The world moves while it is read, so a difference is looked at again, a few times, before it is called one. Every term
is printed: a reader can re-add the line by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.port import Chain, Fate, NodeUnavailable
from tidegate.exchange import audit as exchange
from tidegate.ledger import balances, proof
from tidegate.money import UnknownAsset, asset, format_units
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.treasury import attempts
from tidegate.venues.port import VenueUnavailable
from tidegate.wallets import audit as wallets
from tidegate.wire import time_text

TRIES = 12
PAUSE_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Line:
    """`world = ledger + terms` for one asset at one place, in base units. `difference` is what is left over."""

    place: str
    asset: str
    ledger: int
    terms: dict[str, int]
    world: int

    @property
    def difference(self) -> int:
        return self.world - self.ledger - sum(self.terms.values())


@dataclass(slots=True)
class Report:
    at: datetime
    findings: list[proof.Finding] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    totals: list[tuple[str, str, str, str, int]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`exact`, `differs`, or `unchecked` when something could not be asked and nothing else is wrong."""
        if self.findings or any(line.difference for line in self.lines):
            return "differs"
        return "unchecked" if self.unchecked else "exact"

    def to_json(self) -> dict[str, Any]:
        def text_of(code: str, units: int) -> str:
            return format_units(units, asset(code).decimals)

        return {
            "at": time_text(self.at),
            "verdict": self.verdict,
            "findings": [{"check": f.check, "detail": f.detail} for f in self.findings],
            "unchecked": self.unchecked,
            "lines": [
                {
                    "place": line.place,
                    "asset": line.asset,
                    "ledger": text_of(line.asset, line.ledger),
                    "terms": {name: text_of(line.asset, units) for name, units in line.terms.items()},
                    "world": text_of(line.asset, line.world),
                    "difference": text_of(line.asset, line.difference),
                }
                for line in self.lines
            ],
            "accounts": [
                {"asset": code, "account": name, "place": place, "side": side, "balance": text_of(code, units)}
                for code, name, place, side, units in self.totals
            ],
        }


Progress = Callable[[str], None]


async def run(office: Office, *, now: datetime, progress: Progress = lambda _: None, whole: bool = True) -> Report:
    """All of it; without `whole` the transfers are not re-added one by one, everything else is the same.

    Never raises for an outage: what could not be asked is named in `unchecked`.
    """
    report = Report(now)
    async with office.db.reading() as session:
        # One snapshot for everything that is added up, and the heavy sorts stay in the database.
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        async for name, findings in proof.prove(session, whole=whole):
            progress(name)
            report.findings += findings
        progress("holds")
        report.findings += await _holds(session)
        report.totals = await balances.trial_balance(session)
    for network, chain in office.chains.items():
        await _settled(report, network, progress, lambda c=chain: _chain_lines(office, c))  # type: ignore[misc]  # bound at definition
    if not office.chains:
        report.unchecked.append("chains: the signer's public keys are not there")
    for name in office.desk.venues:
        await _settled(report, name, progress, lambda n=name: _venue_lines(office, n))  # type: ignore[misc]  # bound at definition
    return report


async def _settled(report: Report, place: str, progress: Progress, look: Callable[[], Awaitable[list[Line]]]) -> None:
    """Look until it is exact, or until looking again no longer helps."""
    lines: list[Line] = []
    for attempt in range(TRIES):
        progress(place)
        try:
            lines = await look()
        except (NodeUnavailable, VenueUnavailable) as error:
            report.unchecked.append(f"{place}: {error}")
            return
        if all(line.difference == 0 for line in lines):
            break
        if attempt < TRIES - 1:
            await asyncio.sleep(PAUSE_SECONDS)
    report.lines += lines


async def _holds(session: AsyncSession) -> list[proof.Finding]:
    """What customers' `held` accounts say against what open withdrawals and conversions hold."""
    ledger = await proof.held_by(session)
    wanted: dict[tuple[str, str], int] = {}
    for (user, code), units in (await store.held_terms(session)).items():
        wanted[str(user), code] = wanted.get((str(user), code), 0) + units
    executing = sum((await exchange.open_holds(session)).values())
    findings = [
        proof.Finding(
            "holds",
            f"{code} of {user}: held {ledger.get((user, code), 0)}, open withdrawals need {wanted.get((user, code), 0)}",
        )
        for user, code in sorted(set(ledger) | set(wanted))
        if ledger.get((user, code), 0) != wanted.get((user, code), 0)
    ]
    if executing:
        findings.append(proof.Finding("holds", f"{executing} units are held for conversions that were never executed"))
    return findings


async def _chain_lines(office: Office, chain: Chain) -> list[Line]:
    """chain balance = wallet accounts + in transit + deposits seen and not booked − sent and not settled."""
    network = chain.network
    async with office.db.reading() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        addresses = list(await wallets.addresses(session, network=network))
        totals = await balances.trial_balance(session)
        waiting = await wallets.terms(session)
        live = await attempts.unsettled(session, network)
    if isinstance(chain, EvmChain):
        addresses.append(chain.hot_address)
    world = await chain.balances(addresses)
    sent: dict[str, int] = {}
    fees = 0
    for attempt in live:
        if attempt.txid is None:
            continue
        seen = await chain.sighting(attempt.txid, attempt.asset)
        # Bitcoin: the wallet counts our own unconfirmed transactions. EVM: only what is in a block has moved.
        moved = (Fate.MEMPOOL, Fate.MINED) if isinstance(chain, BitcoinChain) else (Fate.MINED, Fate.REVERTED)
        if seen.fate not in moved:
            continue
        if seen.fate is not Fate.REVERTED:
            sent[attempt.asset] = sent.get(attempt.asset, 0) - attempt.units
        fees -= seen.fee_units or 0
    lines = []
    for code, units in world.items():
        booked = {
            name: sum(u for a, n, place, _, u in totals if a == code and n == name and place == network)
            for name in ("wallet:deposit", "wallet:hot", "wallet:cold")
        }
        terms = {
            "deposits_not_booked": waiting.get((network, code), 0),
            "sent_not_settled": sent.get(code, 0),
            "fees_not_settled": fees if code == chain.gas_asset else 0,
        }
        lines.append(Line(network, code, sum(booked.values()), terms, units))
    return lines


async def _venue_lines(office: Office, name: str) -> list[Line]:
    """venue balance = venue account + fills not yet booked, in whole base units (what is below stays with the venue)."""
    terms = await exchange.venue_terms(office.desk)
    if terms.unknown:
        raise VenueUnavailable(f"{terms.unknown} orders are of unknown fate")
    at_venue = await office.desk.venues[name].balances()
    async with office.db.reading() as session:
        totals = await balances.trial_balance(session)
    lines = []
    for held in at_venue:
        try:
            found = asset(held.asset)
        except UnknownAsset:
            continue
        ledger = sum(u for a, n, place, _, u in totals if a == found.code and n == "venue" and place == name)
        residue = terms.residues.get((name, found.code), Fraction(0))
        exact = Fraction(held.free + held.locked) * 10**found.decimals - residue
        unbooked = terms.unbooked.get((name, found.code), 0)
        lines.append(Line(name, found.code, ledger, {"fills_not_booked": unbooked}, _whole(exact)))
    return lines


def _whole(value: Fraction) -> int:
    return value.numerator // value.denominator
