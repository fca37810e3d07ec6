"""Coinbase's older interface (v2), where addresses and withdrawals live: its answers as the port's types. Pure."""

from typing import Any, Final

from tidegate.venues import body as read
from tidegate.venues.body import ZERO, Malformed, decode, unclear
from tidegate.venues.coinbase import parse
from tidegate.venues.port import (
    DepositAddress,
    DepositSeen,
    DepositState,
    PlaceOutcome,
    Withdrawal,
    WithdrawalSeen,
    WithdrawalState,
    Withdrawing,
)


def data(body: bytes) -> list[dict[str, Any]]:
    """The entries of a list."""
    return read.tables(read.field(decode(body), "data"), "data")


def datum(body: bytes) -> dict[str, Any]:
    """The one entry."""
    return read.named(read.field(decode(body), "data"), "data")


def next_page(body: bytes, seen: set[str]) -> str | None:
    """Path and query of the next page. Only ever one of the same interface, and never one that was there already."""
    paging = read.named(decode(body), "answer").get("pagination")
    uri = paging.get("next_uri") if isinstance(paging, dict) else None
    if not uri:
        return None
    if not isinstance(uri, str) or not uri.startswith("/v2/accounts") or uri in seen:
        raise Malformed("next_uri")
    seen.add(uri)
    return uri


def wallet(entries: list[dict[str, Any]], asset: str) -> str | None:
    """The id of the wallet of that asset: the primary one where there are several."""
    found = []
    for entry in entries:
        currency = read.field(entry, "currency")
        code = read.text(currency, "code") if isinstance(currency, dict) else currency
        if not isinstance(code, str):
            raise Malformed("currency")
        if code == asset:
            found.append((entry.get("primary") is not True, read.text(entry, "id")))
    return min(found)[1] if found else None


def address(entries: list[dict[str, Any]], asset: str, network: str, theirs: str) -> DepositAddress | None:
    """The first address of that network."""
    for entry in entries:
        if read.text(entry, "network") == theirs:
            return DepositAddress(asset, network, read.text(entry, "address"), str(entry.get("destination_tag") or ""))
    return None


def withdrawing(status: int, retry_after: float | None, body: bytes, client_id: str) -> Withdrawing:
    """The outcome of a send; never raises."""
    if status not in (200, 201):
        return parse.trouble(status, retry_after, body).withdrawing()
    try:
        value = datum(body)
        if value.get("idem", client_id) != client_id:
            raise Malformed("the answer names another withdrawal")
        return Withdrawing(PlaceOutcome.PLACED, read.text(value, "id"))
    except Malformed as error:
        return unclear(str(error)).withdrawing()


_STATES: Final = {
    "pending": WithdrawalState.PENDING,
    "waiting_for_clearing": WithdrawalState.PENDING,
    "waiting_for_signature": WithdrawalState.PENDING,
    "completed": WithdrawalState.COMPLETED,
    "failed": WithdrawalState.FAILED,
    "canceled": WithdrawalState.FAILED,
    "expired": WithdrawalState.FAILED,
}


def withdrawal(value: dict[str, Any]) -> WithdrawalSeen:
    """One transaction of type send; its amount is negative there."""
    status, network = read.text(value, "status"), read.named(value.get("network") or {}, "network")
    if status not in _STATES or read.text(value, "type") != "send":
        raise Malformed(f"status {status}")
    told = read.text(read.field(value, "amount"), "amount")
    fee = network.get("transaction_fee")
    return WithdrawalSeen(
        venue_id=read.text(value, "id"),
        state=_STATES[status],
        amount=read.number(told.removeprefix("-"), "amount"),
        fee=read.figure(fee, "amount") if isinstance(fee, dict) else ZERO,
        txid=str(network.get("hash") or ""),
        fee_on_top=True,
    )


_DEPOSITS: Final = {
    "pending": DepositState.PENDING,
    "waiting_for_clearing": DepositState.PENDING,
    "completed": DepositState.CREDITED,
    "failed": DepositState.REJECTED,
    "canceled": DepositState.REJECTED,
    "expired": DepositState.REJECTED,
}


def deposits(entries: list[dict[str, Any]], txid: str) -> list[DepositSeen]:
    """What this transaction brought: sends that are not ours, whose amount is positive."""
    found = []
    for entry in entries:
        network = read.named(entry.get("network") or {}, "network")
        told = read.text(read.field(entry, "amount"), "amount")
        if str(network.get("hash") or "").lower() != txid.lower() or told.startswith("-"):
            continue
        status = read.text(entry, "status")
        if status not in _DEPOSITS:
            raise Malformed(f"status {status}")
        found.append(DepositSeen(_DEPOSITS[status], read.number(told, "amount")))
    return found


def withdrawals(entries: list[dict[str, Any]], wanted: Withdrawal) -> list[WithdrawalSeen]:
    """Those of our id."""
    return [withdrawal(entry) for entry in entries if entry.get("idem") == wanted.client_id]
