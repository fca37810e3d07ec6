"""The books as the page shows them: the last stored check, and the worker step that makes one."""

import time
from collections.abc import Sequence
from typing import Any

import structlog

from tidegate.database import utcnow
from tidegate.money import asset, format_units, listed_assets, parse_units
from tidegate.transactions import audit, store
from tidegate.transactions.office import Office
from tidegate.transactions.schemas import BooksAssetOut, BooksOut
from tidegate.treasury import attempts

log = structlog.get_logger(__name__)

WHOLE_EVERY_SECONDS = 300.0
WHOLE_SHARE = 20
"""A whole look that took long is not repeated before so many times its own length has passed."""

# What we have: assets. Expenses are no assets; `liquidity` may stand on either side.
_HAVE = ("wallet:deposit", "wallet:hot", "wallet:cold", "venue", "in_transit", "receivable")


class Checker:
    """The worker's step: balances and the world at every look, every single transfer now and then."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._whole_at: float | None = None
        self._pause = WHOLE_EVERY_SECONDS

    async def step(self) -> int:
        """Check, store, complain aloud when something differs."""
        began = time.monotonic()
        whole = self._whole_at is None or began - self._whole_at > self._pause
        report = await audit.run(self._office, now=utcnow(), whole=whole)
        if whole:
            # What only a whole look finds must not be covered up by a lesser one a few seconds later.
            self._whole_at = time.monotonic() if not report.findings else None
            self._pause = max(WHOLE_EVERY_SECONDS, WHOLE_SHARE * (time.monotonic() - began))
        async with self._office.db.transaction() as session:
            await store.save_check(session, at=report.at, verdict=report.verdict, report=report.to_json())
        if report.verdict == "differs":
            log.error("books_differ", findings=[f.detail for f in report.findings], lines=report.to_json()["lines"])
        return 0


async def last(office: Office) -> BooksOut:
    """The last check. `exact` is null when none was made or something could not be asked."""
    async with office.db.reading() as session:
        row = await store.last_check(session)
        signed = await store.count_signed(session)
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
    )


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
