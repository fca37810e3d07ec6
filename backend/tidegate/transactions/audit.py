"""The audit of the books: the ledger within itself, holds against what they are for, ledger against chain and venue.

The world moves while it is read, so a difference is looked at again, a few times, before it is called one. Every term
is printed: a reader can re-add the line by hand. What a stored run means for payouts is decided in reconcile.py.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.families import keeps_accounts
from tidegate.chains.port import Chain, Fate, NodeUnavailable
from tidegate.database import Database
from tidegate.exchange import audit as exchange
from tidegate.ledger import balances, proof
from tidegate.money import UnknownAsset, asset, format_units
from tidegate.transactions import store, transfer_store
from tidegate.transactions.office import Office
from tidegate.transactions.reconcile_rules import steady
from tidegate.treasury import attempts, strangers, transit
from tidegate.venues.port import VenueUnavailable
from tidegate.wallets import audit as wallets
from tidegate.wire import time_text

TRIES = 12
PAUSE_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Line:
    """`world = ledger + terms` for one asset at one place, in base units. `difference` is what is left over.

    `looks`: what was left over at each look of this run; the line itself is of the one where it was least.
    """

    place: str
    asset: str
    ledger: int
    terms: dict[str, int]
    world: int
    looks: tuple[int, ...] = ()

    @property
    def difference(self) -> int:
        return self.world - self.ledger - sum(self.terms.values())

    @property
    def steady(self) -> int:
        """The part of the difference that was there at every look."""
        return steady(self.looks or (self.difference,))


@dataclass(slots=True)
class Report:
    """`past`: the books as they were at that moment. `left_out` is what no past moment can be asked about any more."""

    at: datetime
    past: bool = False
    findings: list[proof.Finding] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    orphans: list[strangers.Orphan] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    totals: list[tuple[str, str, str, str, int]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`exact`, `differs`, or `unchecked` when something could not be asked and nothing else is wrong."""
        if self.findings or self.orphans or any(line.difference for line in self.lines):
            return "differs"
        return "unchecked" if self.unchecked else "exact"

    def to_json(self) -> dict[str, Any]:
        def text_of(code: str, units: int) -> str:
            return format_units(units, asset(code).decimals)

        return {
            "at": time_text(self.at),
            "past": self.past,
            "verdict": self.verdict,
            "findings": [{"check": f.check, "detail": f.detail} for f in self.findings],
            "orphans": [one.to_json() for one in self.orphans],
            "unchecked": self.unchecked,
            "left_out": self.left_out,
            "lines": [
                {
                    "place": line.place,
                    "asset": line.asset,
                    "ledger": text_of(line.asset, line.ledger),
                    "terms": {name: text_of(line.asset, units) for name, units in line.terms.items()},
                    "world": text_of(line.asset, line.world),
                    "difference": text_of(line.asset, line.difference),
                    "steady": text_of(line.asset, line.steady),
                }
                for line in self.lines
            ],
            "accounts": [
                {"asset": code, "account": name, "place": place, "side": side, "balance": text_of(code, units)}
                for code, name, place, side, units in self.totals
            ],
        }


class Progress(Protocol):
    """What is being looked at; `done` of `of` entries (two a transfer) where there is something to count."""

    def __call__(self, name: str, done: int = 0, of: int = 0) -> None: ...


def _silent(name: str, done: int = 0, of: int = 0) -> None:
    pass


async def run(office: Office, *, now: datetime, progress: Progress = _silent, whole: bool = True) -> Report:
    """All of it; without `whole` the transfers are not re-added one by one, everything else is the same.

    Never raises for an outage: what could not be asked is named in `unchecked`.
    """
    report = Report(now)
    # One snapshot for everything that is added up.
    async with office.db.snapshot() as session:
        await _proved(report, session, progress, whole=whole)
        progress("holds")
        report.findings += await _holds(session)
        report.totals = await balances.trial_balance(session)
        report.findings += await _in_transit(session, report.totals)
        report.orphans += await _unlinked(session)
    for network, chain in office.chains.items():
        await _settled(report, network, progress, lambda c=chain: _chain_lines(office, c))  # type: ignore[misc]  # bound at definition
        await _strangers(report, office, chain)
    if not office.chains:
        report.unchecked.append("chains: the signer's public keys are not there")
    for name in office.desk.venues:
        await _settled(report, name, progress, lambda n=name: _venue_lines(office, n))  # type: ignore[misc]  # bound at definition
    holding = {place for _, account, place, _, units in report.totals if account == "venue" and place and units}
    for name in sorted(holding - office.desk.venues.keys()):
        report.unchecked.append(f"{name}: the books hold something there and the venue is not on")
    return report


async def run_at(db: Database, at: datetime, *, progress: Progress = _silent) -> Report:
    """The books as they were with everything posted up to and including a past moment.

    The ledger re-added to there, and what was held against what was open then. Chains and venues tell
    only how they stand now: they are named in `left_out` and change no verdict.
    """
    report = Report(at, past=True, left_out=list(LEFT_OUT))
    async with db.snapshot() as session:
        await _proved(report, session, progress, at=at)
        progress("holds")
        report.findings += _differing(await proof.held_by(session, at), await _wanted_at(session, at))
        report.totals = await balances.trial_balance(session, at)
    return report


LEFT_OUT = (
    "chains: a node tells what addresses hold now, not what they held then",
    "venues: an exchange tells what it holds for us now, not what it held then",
    "accounts: their own balance column is of now; what stood then is read off the transfers",
)


async def _proved(
    report: Report, session: AsyncSession, progress: Progress, *, whole: bool = True, at: datetime | None = None
) -> None:
    progress("accounts")
    entries = functools.partial(progress, "entries")
    async for name, findings in proof.prove(session, whole=whole, at=at, progress=entries):
        progress(name)
        report.findings += findings


async def _settled(report: Report, place: str, progress: Progress, look: Callable[[], Awaitable[list[Line]]]) -> None:
    """Look until each line was exact once, or until looking again no longer helps."""
    least: dict[str, Line] = {}
    for attempt in range(TRIES):
        progress(place)
        try:
            lines = await look()
        except (NodeUnavailable, VenueUnavailable) as error:
            report.unchecked.append(f"{place}: {error}")
            return
        for line in lines:
            before = least.get(line.asset)
            looks = (*(before.looks if before else ()), line.difference)
            closest = line if before is None or abs(line.difference) < abs(before.difference) else before
            least[line.asset] = replace(closest, looks=looks)
        if all(line.difference == 0 for line in least.values()):
            break
        if attempt < TRIES - 1:
            await asyncio.sleep(PAUSE_SECONDS)
    report.lines += least.values()


async def _strangers(report: Report, office: Office, chain: Chain) -> None:
    """What left our wallets on this chain and is in no book of ours. The chain is asked first: bytes are stored before
    they are sent, so a healthy house is never behind."""
    try:
        report.orphans += await strangers.look(office.db, chain)
    except NodeUnavailable as error:
        if not any(one.startswith(f"{chain.network}: ") for one in report.unchecked):
            report.unchecked.append(f"{chain.network}: {error}")


async def _unlinked(session: AsyncSession) -> list[strangers.Orphan]:
    """Payments that are to be made, or were, for no withdrawal of ours: or another amount, or to somebody else."""
    return [
        strangers.Orphan(network, str(payout), f"a payment of {units} {code} to {address} belongs to no withdrawal")
        for payout, network, code, units, address in await store.unlinked_payouts(session)
    ]


async def _holds(session: AsyncSession) -> list[proof.Finding]:
    """What customers' `held` accounts say against what open withdrawals, transfers and conversions hold."""
    wanted: dict[tuple[str, str], int] = {}
    waiting = [*(await store.held_terms(session)).items(), *(await transfer_store.held(session)).items()]
    for (user, code), units in waiting:
        wanted[str(user), code] = wanted.get((str(user), code), 0) + units
    executing = sum((await exchange.open_holds(session)).values())
    findings = _differing(await proof.held_by(session), wanted)
    if executing:
        findings.append(proof.Finding("holds", f"{executing} units are held for conversions that were never executed"))
    return findings


async def _in_transit(session: AsyncSession, totals: Sequence[tuple[str, str, str, str, int]]) -> list[proof.Finding]:
    """What the ledger has in transit against the moves that are: money that no move knows of would arrive nowhere."""
    wanted = await transit.booked(session)
    there = {code: units for code, account, _, _, units in totals if account == "in_transit"}
    return [
        proof.Finding("in_transit", f"{code}: the ledger has {there.get(code, 0)}, the moves {wanted.get(code, 0)}")
        for code in sorted(set(there) | set(wanted))
        if there.get(code, 0) != wanted.get(code, 0)
    ]


async def _wanted_at(session: AsyncSession, at: datetime) -> dict[tuple[str, str], int]:
    """What withdrawals and transfers held at that moment: the agreed sums, and by the ledger's own time which step had been booked."""
    wanted: dict[tuple[str, str], int] = {}
    async for some in store.around(session, at):
        steps = [f"withdrawal:{terms.id}:{step}" for terms in some for step in ("hold", "convert", "settle", "refund")]
        done = await balances.posted_by(session, steps, at)
        for terms in some:
            hold, convert, settle, refund = (
                f"withdrawal:{terms.id}:{step}" in done for step in ("hold", "convert", "settle", "refund")
            )
            if not hold or settle or refund:
                continue
            key = (str(terms.user_id), terms.to_asset if convert else terms.from_asset)
            wanted[key] = wanted.get(key, 0) + (terms.deliver_units if convert else terms.debit_units)
    async for waited in transfer_store.around(session, at):
        steps = [f"transfer:{one}:{step}" for one, *_ in waited for step in ("hold", "complete", "refund")]
        done = await balances.posted_by(session, steps, at)
        for one, user_id, code, units in waited:
            hold, complete, refund = (f"transfer:{one}:{step}" in done for step in ("hold", "complete", "refund"))
            if hold and not complete and not refund:
                wanted[str(user_id), code] = wanted.get((str(user_id), code), 0) + units
    return wanted


def _differing(held: dict[tuple[str, str], int], wanted: dict[tuple[str, str], int]) -> list[proof.Finding]:
    return [
        proof.Finding(
            "holds",
            f"{code} of {user}: held {held.get((user, code), 0)}, open withdrawals and transfers need {wanted.get((user, code), 0)}",
        )
        for user, code in sorted(set(held) | set(wanted))
        if held.get((user, code), 0) != wanted.get((user, code), 0)
    ]


async def _chain_lines(office: Office, chain: Chain) -> list[Line]:
    """chain balance = wallet accounts + in transit + deposits seen and not booked − sent and not settled."""
    network = chain.network
    async with office.db.snapshot() as session:
        addresses = list(await wallets.addresses(session, network=network))
        totals = await balances.trial_balance(session)
        waiting = await wallets.terms(session)
        live = await attempts.unsettled(session, network)
        moves = await transit.moving(session, network)
    arriving = await transit.at_hot(office.db, chain, office.desk.venues)
    if keeps_accounts(chain):
        addresses.append(chain.hot_address)
    world = await chain.balances(addresses)
    sent, fees = await _under_way(chain, live)
    moving = await _moving(chain, moves)
    lines = []
    for code, units in world.items():
        booked = {
            name: sum(u for a, n, place, _, u in totals if a == code and n == name and place == network)
            for name in ("wallet:deposit", "wallet:hot")  # cold storage is no key of ours, and no node is asked for it
        }
        terms = {
            "deposits_not_booked": waiting.get((network, code), 0),
            "sent_not_settled": sent.get(code, 0),
            "moves_in_transit": moving.get(code, 0),
            "venue_moves_not_booked": arriving.get(code, 0),
            "fees_not_settled": fees if code == chain.gas_asset else 0,
        }
        lines.append(Line(network, code, sum(booked.values()), terms, units))
    return lines


async def _under_way(chain: Chain, live: Sequence[attempts.Unsettled]) -> tuple[dict[str, int], int]:
    """(by asset what has left the wallet for payouts that are not settled, fees that are paid and not booked).

    Of a set at most one paying transaction has moved money, whichever that is, and the children that pay for it.
    """
    # Bitcoin: the wallet counts our own unconfirmed transactions. EVM: only what is in a block has moved.
    moved = (Fate.MINED, Fate.REVERTED) if keeps_accounts(chain) else (Fate.MEMPOOL, Fate.MINED)
    sent: dict[str, int] = {}
    fees = 0
    for one in live:
        gone = bool(one.booked)
        for txid in one.unbooked:
            seen = await chain.sighting(txid, one.asset)
            if seen.fate not in moved:
                continue
            fees -= seen.fee_units or 0
            gone = gone or (seen.fate is not Fate.REVERTED and txid not in one.children)
        if gone:
            for code, units in one.owed.items():
                sent[code] = sent.get(code, 0) - units
    return sent, fees


async def _moving(chain: Chain, moves: Sequence[transit.Moving]) -> dict[str, int]:
    """By asset what the ledger has in transit and the chain still shows at our addresses."""
    moved = (Fate.MINED,) if keeps_accounts(chain) else (Fate.MEMPOOL, Fate.MINED)
    found: dict[str, int] = {}
    for one in moves:
        gone = [one.leaves and (await chain.sighting(txid, one.asset)).fate in moved for txid in one.txids]
        if not any(gone):
            found[one.asset] = found.get(one.asset, 0) + one.units
    return found


async def _venue_lines(office: Office, name: str) -> list[Line]:
    """venue balance = venue account + fills and moves not yet booked, in whole base units (what is below stays there)."""
    terms = await exchange.venue_terms(office.desk)
    if terms.unknown:
        raise VenueUnavailable(f"{terms.unknown} orders are of unknown fate")
    moves = await transit.beside_venue(office.db, office.desk.venues[name], name)
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
        beside = {
            "fills_not_booked": terms.unbooked.get((name, found.code), 0),
            "moves_not_booked": moves.get(found.code, 0),
        }
        lines.append(Line(name, found.code, ledger, beside, _whole(exact)))
    return lines


def _whole(value: Fraction) -> int:
    return value.numerator // value.denominator
