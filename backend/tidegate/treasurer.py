"""What the treasurer's commands do. Words for people, exit codes for scripts."""

import uuid

from rich.table import Table

from tidegate.chains.port import NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database, new_id, utcnow
from tidegate.exchange import following
from tidegate.exchange import positions as exchange
from tidegate.exchange.rules import USD_DECIMALS
from tidegate.ledger.rules import Outcome, house
from tidegate.money import MoneyError, UnknownAsset, format_units, parse_units
from tidegate.money import asset as asset_of
from tidegate.operate import err, out
from tidegate.parts import open_parts
from tidegate.refusal import Refusal
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Failed
from tidegate.transactions import compare as comparing
from tidegate.treasury import desk, receive
from tidegate.treasury.inventory import fund


def _database(settings: Settings) -> Database:
    return Database(settings.database_url("worker"), pool_size=2, application="tidegate-cli")


async def status(settings: Settings) -> None:
    """What the books say of each place, and what is under way."""
    db = _database(settings)
    try:
        table = Table("network", "asset", "hot", "deposits", "cold", "payable", "cap", "floor")
        for one in await desk.wallets(db, settings):
            bounds = (one.cap or "", one.floor or "")
            table.add_row(one.network, one.asset, one.hot, one.deposits, one.cold, one.payable, *bounds)
        out.print(table)
        for move in await desk.moves(db, limit=20):
            out.print(
                f"{move.created_at:%Y-%m-%d %H:%M} {move.purpose} {move.amount} {move.asset} {move.state} {move.reason or ''}"
            )
    finally:
        await db.close()


async def compare(settings: Settings) -> int:
    """What the signer signed and the books do not know; exit status 0 nothing, 1 something, 2 it could not be asked."""
    db = _database(settings)
    try:
        found = await comparing.unknown(db, SignerDoor(settings.signer.socket), list(settings.networks))
    finally:
        await db.close()
    if isinstance(found, Failed):
        err.print(found.detail, markup=False)
        return 2
    for one in found:
        out.print(f"{one.txid} for {', '.join(one.made_for)}", soft_wrap=True)
    if found:
        out.print(comparing.sentence(found), markup=False)
    return 1 if found else 0


async def proposals(settings: Settings) -> int:
    """Open proposals, one a line; exit status 1 when there are some, so that a script can tell."""
    db = _database(settings)
    try:
        found = (await desk.proposals(db, state="open", limit=100, before=None)).items
    finally:
        await db.close()
    for one in found:
        to = f" to {one.address}" if one.kind == "refill" else f" {one.venue}" if one.venue else ""
        out.print(f"{one.id} {one.kind} {one.amount} {one.asset} on {one.network}{to}: {one.reason}", soft_wrap=True)
    return 1 if found else 0


async def accept(settings: Settings, proposal: str, amount: str) -> int:
    """Accept a move between an exchange and the hot wallet; exit status 1 with the reason when it is refused."""
    db = _database(settings)
    try:
        found = await desk.accept(db, proposal_id=uuid.UUID(proposal), amount=amount, by="tidegate treasury")
    except (Refusal, ValueError) as error:
        err.print(str(error), markup=False)
        return 1
    finally:
        await db.close()
    out.print(f"Accepted: {found.kind} {found.amount} {found.asset}, {found.venue}. The worker makes it.")
    return 0


async def venue_moves(settings: Settings) -> int:
    """The newest ones, one a line; exit status 1 when a person has to look at one that is under way."""
    db = _database(settings)
    try:
        found = await desk.venue_moves(db, limit=50)
    finally:
        await db.close()
    for one in found:
        why = one.trouble or one.reason or ""
        line = f"{one.created_at:%Y-%m-%d %H:%M} {one.venue} {one.direction} {one.amount} {one.asset} {one.state} {why}"
        out.print(line, soft_wrap=True, markup=False)
    return 1 if any(one.trouble for one in found) else 0


async def received(settings: Settings, network: str, code: str, txid: str, *, from_cold: bool, fee: str) -> int:
    """Book what a transaction brought to the hot address; exit status 1 with the reason when it cannot be."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        chain = parts.chains.get(network)
        try:
            if chain is None:
                err.print(f"There is no network {network}, or its keys are not there.")
                return 1
            fee_units = parse_units(fee, asset_of(chain.gas_asset).decimals)
            units, now = await receive.receive(
                parts.db, parts.lane, chain, txid=txid, asset=code, from_cold=from_cold, fee_units=fee_units
            )
        except (Refusal, NodeUnavailable, MoneyError, UnknownAsset, KeyError) as error:
            err.print(str(error))
            return 1
        amount = format_units(units, asset_of(code).decimals)
        out.print(f"{amount} {code} {'booked' if now else 'was booked before'}.")
        return 0


async def cold(settings: Settings, network: str, code: str, amount: str) -> int:
    """Book what lies in cold storage already as the house's own; exit status 1 when it cannot be."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            units = parse_units(amount, asset_of(code).decimals)
            place = house("wallet:cold", code, network)
            verdict = await fund(parts.lane, place, units, key=f"cold:{new_id()}")
        except (MoneyError, UnknownAsset, ValueError) as error:
            err.print(str(error))
            return 1
    out.print(f"Booked: {amount} {code} in cold storage on {network}." if verdict.posted else verdict.outcome)
    return 0 if verdict.outcome is Outcome.POSTED else 1


async def positions(settings: Settings) -> int:
    """What executed prices have left open, and the newest orders whose rest nobody trades; exit status 1 above the cap."""
    async with open_parts(settings, process="cli", duty="auditor") as parts:
        await parts.markets.sources()
        found = await exchange.positions(parts.desk)
        table = Table("asset", "position", "under way", "carried", "carried, USD")
        for one in found:
            decimals = asset_of(one.asset).decimals
            units = (format_units(units, decimals) for units in (one.units, one.under_way, one.carried))
            table.add_row(one.asset, *units, "no price" if one.carried_usd is None else _dollars(one.carried_usd))
        out.print(table)
        above = sum(one.carried_usd or 0 for one in found)
        out.print(f"Carried: {_dollars(above)} of at most {_dollars(parts.desk.caps.house)} USD.")
        for left in await exchange.carried(parts.desk, limit=20):
            order, base = left.order, asset_of(left.order.base_asset)
            out.print(
                f"{order.updated_at:%Y-%m-%d %H:%M} {order.side} {format_units(left.units, base.decimals)} {base.code} for "
                f"{order.quote_asset} at {order.venue}: {order.reason}, order {order.id}",
                soft_wrap=True,
            )
        return 1 if above > parts.desk.caps.house else 0


async def hedge(settings: Settings, order_id: str) -> int:
    """Have what an order carried ordered once more; exit status 1 with the reason when it cannot be."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            many = await following.again(parts.desk, uuid.UUID(order_id), utcnow())
        except (Refusal, ValueError) as error:
            err.print(str(error), markup=False)
            return 1
    out.print(f"{many} to be sent by the worker.")
    return 0


def _dollars(units: int) -> str:
    return f"{units // 10**USD_DECIMALS:,}"
