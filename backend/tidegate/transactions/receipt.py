"""The receipt of a withdrawal as PDF: what its row, its transactions and the ledger say, and nothing else."""

import asyncio
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tidegate.ledger import booked
from tidegate.ledger.booked import Booked
from tidegate.transactions import history
from tidegate.transactions.office import Office
from tidegate.transactions.receipt_sheet import BOLD, INK2, MONO, MONO_BOLD, SERIF, Sheet
from tidegate.transactions.schemas import AttemptOut, WithdrawalOut
from tidegate.wire import AmountOut

STEPS = ("hold", "convert", "settle", "refund")
_FEES = {"network": "Network fee", "service": "Service fee", "spread": "Spread"}
_BACK = frozenset({"cancelled", "rejected", "expired", "failed"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that is printed."""

    brand: str
    network: str
    withdrawal: WithdrawalOut
    lines: tuple[Booked, ...]
    at: datetime


async def receipt(office: Office, *, user_id: uuid.UUID, withdrawal_id: uuid.UUID, now: datetime) -> bytes:
    """The PDF. Refuses NOT_FOUND, also for somebody else's."""
    found = await history.withdrawal(office, user_id=user_id, withdrawal_id=withdrawal_id)
    async with office.db.reading() as session:
        keys = [f"withdrawal:{found.id}:{step}" for step in STEPS]
        lines = await booked.of(session, owner=user_id, keys=keys)
    network = office.settings.networks[found.network].name or found.network
    told = Receipt(office.settings.brand.name, network, found, tuple(lines), now)
    return await asyncio.to_thread(printed, told)


def printed(receipt: Receipt) -> bytes:
    """The same bytes for the same receipt."""
    found = receipt.withdrawal
    sheet = Sheet(title=f"Receipt {found.id}", author=receipt.brand)
    sheet.mark(receipt.brand)
    sheet.space(26)
    sheet.text(sentence(found, receipt.lines), face=SERIF, size=20, lead=1.35)
    sheet.space(4)
    sheet.text(_standing(found), colour=INK2)
    sheet.space(12)
    _whereto(sheet, receipt)
    _costs(sheet, found)
    _times(sheet, found)
    _books(sheet, receipt.lines)
    return sheet.bytes(f"{receipt.brand} · as our books stood on {moment(receipt.at)} · withdrawal {found.id}")


def sentence(found: WithdrawalOut, lines: Sequence[Booked]) -> str:
    """The one that answers what became of it."""
    money = _amount(found.deliver)
    if found.state == "completed" and found.completed_at is not None:
        return f"{money} arrived on {moment(found.completed_at)}."
    if found.state in _BACK:
        back = returned(lines)
        return f"Not sent. {' and '.join(back)} {'are' if back else 'nothing is'} back in the balance."
    return f"{money} are under way. This is no proof of payment yet."


def returned(lines: Sequence[Booked]) -> list[str]:
    """What the ledger gave back, by asset."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.key.endswith(":refund") and line.into == "available":
            sums[line.asset] = sums.get(line.asset, 0) + line.units
    return [_amount(AmountOut.units(code, units)) for code, units in sums.items()]


_STANDINGS = {
    "completed": "Final: the network has confirmed it as often as we ask for.",
    "cancelled": "Cancelled before it was signed.",
    "rejected": "Not approved.",
    "expired": "Not confirmed in time.",
    "failed": "The network took it and did not make it.",
    "pending_verification": "Waits for its owner's second factor.",
}


def _standing(found: WithdrawalOut) -> str:
    said = _STANDINGS.get(found.state, f"State: {found.state.replace('_', ' ')}.")
    return f"{said} {plain(found.detail)}" if found.detail and found.state in _BACK else said


def _whereto(sheet: Sheet, receipt: Receipt) -> None:
    found = receipt.withdrawal
    _head(sheet, "To")
    if found.label:
        sheet.row("Saved as", plain(found.label))
    sheet.row("Network", receipt.network)
    for at, line in enumerate(_address(found.address)):
        sheet.row("Address" if at == 0 else "", line, face=MONO_BOLD)
    attempt = _paying(found)
    if attempt is not None and attempt.txid is not None:
        for at in range(0, len(attempt.txid), 34):
            sheet.row("Transaction" if at == 0 else "", attempt.txid[at : at + 34], face=MONO)
    if found.reference:
        sheet.row("Your reference", plain(found.reference))


def _paying(found: WithdrawalOut) -> AttemptOut | None:
    """The transaction that pays or may still pay it; a payment that came back has none."""
    if found.state in _BACK and found.state != "failed":
        return None
    sent = [one for one in found.attempts if one.sent_at is not None and one.state not in ("replaced", "dropped")]
    return sent[-1] if sent else None


def _address(address: str) -> list[str]:
    head = ["0x"] if address.startswith("0x") else []
    rest = address.removeprefix("0x")
    groups = head + [rest[at : at + 4] for at in range(0, len(rest), 4)]
    return [" ".join(groups[at : at + 6]) for at in range(0, len(groups), 6)]


def _costs(sheet: Sheet, found: WithdrawalOut) -> None:
    _head(sheet, "As quoted")
    sheet.row("They get", _amount(found.deliver))
    for fee in found.fees:
        sheet.row(_FEES[fee.kind], _amount(fee.amount))
    if found.debit.asset != found.deliver.asset:
        sheet.row("Price", f"1 {found.debit.asset} = {found.rate} {found.deliver.asset}")
    sheet.row("Debit", _amount(found.debit), strong=True)


def _times(sheet: Sheet, found: WithdrawalOut) -> None:
    _head(sheet, "When")
    sheet.row("Asked for", moment(found.created_at))
    verified = next((event.at for event in found.events if event.state == "pending_screening"), None)
    attempt = _paying(found)
    for name, at in (
        ("Confirmed with the second factor", verified),
        ("Sent", attempt.sent_at if attempt else None),
        ("Final", found.completed_at),
        ("Ended", found.since if found.state in _BACK else None),
    ):
        if at is not None:
            sheet.row(name, moment(at))


def _books(sheet: Sheet, lines: Sequence[Booked]) -> None:
    if not lines:
        return
    _head(sheet, "In our books")
    for line in lines:
        sheet.row(
            f"{line.at.astimezone(UTC):%H:%M:%S} UTC   {_event(line)}", _amount(AmountOut.units(line.asset, line.units))
        )


_INTO = {
    "wallet:hot": "paid out",
    "charged:network": "network fee",
    "charged:service": "service fee",
    "charged:spread": "spread",
    "liquidity": "converted",
    "rounding": "rounding",
}


def _event(line: Booked) -> str:
    match line.out_of, line.into:
        case "available", "held":
            return "set aside"
        case _, "available":
            return "given back" if line.out_of == "held" else "network fee given back"
        case _, "held":
            return "converted into"
    return _INTO.get(line.into, line.event)


def _head(sheet: Sheet, words: str) -> None:
    sheet.space(10)
    sheet.text(words, face=BOLD, colour=INK2)
    sheet.rule()


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC"


def plain(text: str) -> str:
    """Somebody's words without breaks and controls."""
    return " ".join("".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text).split())


def _amount(amount: AmountOut) -> str:
    return f"{amount.amount} {amount.asset}"
