"""What the database itself refuses of a move between an exchange and the hot wallet, whoever asks."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tidegate.database import Database, utcnow

FALSE: dict[str, dict[str, Any]] = {
    "units_positive": {"units": 0},
    "direction_known": {"direction": "away"},
    "state_known": {"state": "nowhere", "asked_at": utcnow()},
    "booked_known": {"booked": "perhaps"},
    "ended_when_over": {"ended_at": utcnow()},
    "booked_as_it_stands": {"state": "pending", "asked_at": utcnow()},
    "states_of_its_direction": {"state": "moving", "asked_at": utcnow()},
    "client_id_is_random": {"client_id": uuid.UUID("018f0000-0000-7000-8000-000000000000")},
    "asked_has_time": {"state": "asked"},
    "arrived_has_transaction": {
        "state": "arrived",
        "booked": "arrived",
        "asked_at": utcnow(),
        "ended_at": utcnow(),
        "txid": "0xab",
    },
}
FIXED = ("venue", "network", "asset", "address", "direction")


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "venue": "binance",
        "network": "ethereum",
        "asset": "USDT",
        "direction": "to_wallet",
        "units": 5,
        "address": "0xA",
        "client_id": uuid.uuid4(),
        "state": "intended",
        "booked": "nothing",
        "created_at": utcnow(),
        "due_at": utcnow(),
        "fence": 0,
    } | more


async def insert(db: Database, **more: Any) -> uuid.UUID:
    row = a_row(**more)
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    async with db.transaction() as session:
        await session.execute(text(f"INSERT INTO venue_moves ({names}) VALUES ({values})"), row)
    return row["id"]  # type: ignore[no-any-return]


async def change(db: Database, what: str, **values: Any) -> None:
    async with db.transaction() as session:
        await session.execute(text(f"UPDATE venue_moves SET {what}"), values)


async def test_a_row_that_contradicts_itself_is_refused(db: Database) -> None:
    for name, values in FALSE.items():
        with pytest.raises(DBAPIError, match=f"ck_venue_moves_{name}"):
            await insert(db, **values)


async def test_one_move_of_an_asset_in_one_direction_is_under_way_at_one_exchange(db: Database) -> None:
    await insert(db)
    await insert(db, asset="ETH")
    await insert(db, venue="kraken")
    await insert(db, direction="to_venue", client_id=None, state="moving")
    with pytest.raises(DBAPIError, match="uq_venue_moves_open"):
        await insert(db, network="other", units=7, address="0xB")
    await change(db, "state = 'refused', ended_at = now()")
    await insert(db)


async def test_a_name_that_an_exchange_heard_is_used_once(db: Database) -> None:
    name = uuid.uuid4()
    await insert(db, client_id=name)
    with pytest.raises(DBAPIError, match="uq_venue_moves_client_id"):
        await insert(db, client_id=name, venue="kraken")


async def test_one_payment_to_the_hot_address_belongs_to_one_move(db: Database) -> None:
    sent: dict[str, Any] = {"state": "pending", "booked": "sent", "asked_at": utcnow(), "txid": "0xab"}
    await insert(db, **sent)
    with pytest.raises(DBAPIError, match="uq_venue_moves_payment"):
        await insert(db, **sent, venue="kraken")


async def test_what_a_move_is_does_not_change_and_its_end_stands(db: Database) -> None:
    await insert(db)
    for name in FIXED:
        with pytest.raises(DBAPIError, match="does not change"):
            await change(db, f"{name} = 'other'")
    for what in ("units = 6", "client_id = gen_random_uuid()"):
        with pytest.raises(DBAPIError, match="does not change"):
            await change(db, what)
    await change(db, "state = 'failed', asked_at = now(), ended_at = now()")
    with pytest.raises(DBAPIError, match="nor its end"):
        await change(db, "state = 'asked', ended_at = NULL")


async def test_what_was_asked_for_is_never_asked_for_again(db: Database) -> None:
    await insert(db, state="unknown", asked_at=utcnow())
    for what in ("state = 'asked'", "state = 'intended'", "asked_at = now() + interval '1 hour'"):
        with pytest.raises(DBAPIError, match="never asked for again"):
            await change(db, what)
    await change(db, "state = 'pending', booked = 'sent'")
    with pytest.raises(DBAPIError, match="never asked for again"):
        await change(db, "state = 'unknown', booked = 'nothing'")
