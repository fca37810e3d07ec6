"""The trial balance: what every kind of account stands at, and that each asset's two sides are one sum."""

import csv
import io
from datetime import datetime
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from tidegate.database import Database, utcnow
from tidegate.download import MEDIA, Format, cell
from tidegate.ledger import balances
from tidegate.money import asset, format_units
from tidegate.refusal import Kind, Refusal
from tidegate.transactions.schemas import TrialBalanceOut, TrialLineOut, TrialTotalOut

COLUMNS = ("asset", "account", "place", "side", "balance")
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "One line a kind of account", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def balance(db: Database, *, at: datetime | None) -> TrialBalanceOut:
    """Over all owners, now or with everything posted up to `at`. Refuses INVALID_REQUEST for what has not come yet."""
    now = utcnow()
    if at is not None and at > now:
        raise Refusal(Kind.INVALID_REQUEST, "That moment has not come yet.", field="at")
    async with db.reading() as session:
        lines = await balances.trial_balance(session, at)
    sides: dict[str, dict[str, int]] = {}
    for code, _, _, side, units in lines:
        by_side = sides.setdefault(code, {"debit": 0, "credit": 0})
        by_side[side] += units
    return TrialBalanceOut(
        at=at or now,
        balances=all(one["debit"] == one["credit"] for one in sides.values()),
        items=[
            TrialLineOut.model_validate(
                {"asset": code, "account": name, "place": place, "side": side, "balance": _text(code, units)}
            )
            for code, name, place, side, units in lines
        ],
        totals=[
            TrialTotalOut(
                asset=code,
                debit=_text(code, one["debit"]),
                credit=_text(code, one["credit"]),
                difference=_text(code, one["debit"] - one["credit"]),
            )
            for code, one in sides.items()
        ],
    )


def answer(found: TrialBalanceOut, form: Format) -> Response:
    """As JSON, or the lines as a CSV file. A kind of account a line: some dozens, however many customers there are."""
    if form == "json":
        return JSONResponse(found.model_dump(mode="json"))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    writer.writerows([[cell(getattr(line, name)) for name in COLUMNS] for line in found.items])
    name = f"trial-balance-{found.at:%Y-%m-%dT%H%M%SZ}.csv"
    return Response(
        buffer.getvalue(), media_type=MEDIA["csv"], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _text(code: str, units: int) -> str:
    return format_units(units, asset(code).decimals)
