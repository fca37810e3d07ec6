"""The books as the page shows them: the last stored check, and what is frozen by it."""

from collections.abc import Sequence
from typing import Any

from tidegate.compliance import freeze
from tidegate.compliance.rules import Cause
from tidegate.money import asset, format_units, listed_assets, parse_units
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.schemas import BooksAssetOut, BooksOut, PlaceOut
from tidegate.treasury import attempts

# What we have: assets. Expenses are no assets; `liquidity` may stand on either side.
_HAVE = ("wallet:deposit", "wallet:hot", "wallet:cold", "venue", "in_transit", "receivable")


async def last(office: Office) -> BooksOut:
    """The last check. `exact` is null when none was made or something could not be asked."""
    async with office.db.reading() as session:
        row = await store.last_check(session)
        signed = await store.count_signed(session)
        frozen = await freeze.standing(session)
        made, most = await attempts.most_payouts(session)
    report = row.report if row else {}
    return BooksOut(
        checked_at=row.at if row else None,
        exact={"exact": True, "differs": False}.get(row.verdict) if row else None,
        detail="; ".join(report.get("unchecked", [])) or None,
        assets=_assets(report.get("accounts", []), report.get("lines", [])),
        withdrawals=signed,
        attempts=made,
        payouts_at_most=most,
        milliseconds=row.milliseconds if row else None,
        places=_places(report.get("lines", [])),
        frozen=sorted({one.asset for one in frozen}),
        restored=any(one.cause is Cause.RESTORED for one in frozen),
    )


def _places(lines: Sequence[dict[str, Any]]) -> list[PlaceOut]:
    """By network and exchange what there is of an asset, and what ledger and world differ by there."""
    return [
        PlaceOut(place=line["place"], asset=line["asset"], world=line["world"], difference=line["difference"])
        for line in lines
    ]


def _assets(accounts: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> list[BooksAssetOut]:
    """By asset: what we have, what we owe (our own capital and result included), what ledger and world differ by."""
    found = []
    for one in listed_assets():
        have = sum(_units(one.code, a["balance"]) for a in accounts if a["asset"] == one.code and a["account"] in _HAVE)
        costs = sum(
            _units(one.code, a["balance"])
            for a in accounts
            if a["asset"] == one.code and a["side"] == "debit" and a["account"] not in _HAVE
        )
        credit = sum(
            _units(one.code, a["balance"]) for a in accounts if a["asset"] == one.code and a["side"] == "credit"
        )
        off = sum(_units(one.code, line["difference"]) for line in lines if line["asset"] == one.code)
        found.append(
            BooksAssetOut(
                asset=one.code,
                have=format_units(have, one.decimals),
                owe=format_units(credit - costs, one.decimals),
                difference=format_units(off, one.decimals),
            )
        )
    return found


def _units(code: str, amount: str) -> int:
    """Signed units of one of our own stored amounts."""
    sign = -1 if amount.startswith("-") else 1
    return sign * parse_units(amount.lstrip("-"), asset(code).decimals)
