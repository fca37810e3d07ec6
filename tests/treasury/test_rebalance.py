"""What is kept at an exchange: proposed to a person, done by itself within the policy's caps, one at a time."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.treasury.rebalancing import Exchange, units
from tidegate.config import KeepSettings, Settings, VenueSettings
from tidegate.database import utcnow
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import desk, rebalance
from tidegate.treasury.rebalance import Rebalancer
from tidegate.treasury.schemas import ProposalOut

KEEP: dict[str, Any] = {
    "network": "ethereum",
    "least": "100000",
    "target": "150000",
    "most": "200000",
    "smallest": "100",
    "most_a_move": "20000",
}
NO_ONE = "treasurer@house.example"


def rebalancer(exchange: Exchange, *, withdrawals: bool = True, **keep: Any) -> Rebalancer:
    """The exchange's account has 300,000 USDT: more than is kept there."""
    told = KeepSettings(**KEEP | keep)
    settings = {exchange.name: VenueSettings(withdrawals=withdrawals, keep={"USDT": told})}
    return Rebalancer(exchange.carrier, exchange.house.mover, settings)


async def proposals(exchange: Exchange, state: str | None = "open") -> list[ProposalOut]:
    return (await desk.proposals(exchange.house.world.db, state=state, limit=20, before=None)).items


async def moves(exchange: Exchange) -> list[Any]:
    return await desk.venue_moves(exchange.house.world.db, limit=20)


async def look(exchange: Exchange, of: Rebalancer, now: datetime | None = None, **queued: int) -> None:
    await rebalance.look(of, {("ethereum", code): units for code, units in queued.items()}, now or utcnow())


async def test_what_is_too_much_is_proposed_accepted_as_it_was_seen_and_made_once(exchange: Exchange) -> None:
    of, db = rebalancer(exchange), exchange.house.world.db
    await look(exchange, of)
    await look(exchange, of)
    (one,) = await proposals(exchange)
    assert (one.kind, one.venue, one.amount) == ("to_wallet", "binance", "20000.000000")
    assert one.address == exchange.house.evm.hot_address
    assert await moves(exchange) == []
    with pytest.raises(Refusal) as refused:
        await desk.accept(db, proposal_id=one.id, amount="20000.000001", by=NO_ONE)
    assert refused.value.kind is Kind.CONFLICT
    accepted = await desk.accept(db, proposal_id=one.id, amount=one.amount, by=NO_ONE)
    assert (accepted.state, accepted.ended_by) == ("accepted", NO_ONE)
    assert (await desk.accept(db, proposal_id=one.id, amount=one.amount, by="another")).ended_by == NO_ONE
    with pytest.raises(Refusal):
        await desk.dismiss(db, proposal_id=one.id, by=NO_ONE)
    for _ in range(3):
        await look(exchange, of)
        await exchange.step(after=timedelta(minutes=11))
    (made,) = await moves(exchange)
    assert (made.proposal_id, made.amount, made.state) == (one.id, "20000.000000", "pending")
    assert exchange.withdrawals() == 1
    # While it is under way nothing more is asked of anybody.
    assert await proposals(exchange) == []
    await exchange.books_are_exact("ethereum")


async def test_the_policy_moves_by_itself_until_the_days_cap_and_asks_a_person_for_more(exchange: Exchange) -> None:
    of = rebalancer(exchange, automatic=True, most_a_day="30000")
    await look(exchange, of)
    (made,) = await moves(exchange)
    assert (made.state, made.amount, made.proposal_id) == ("intended", "20000.000000", None)
    await exchange.step()
    await exchange.pay_out("ethereum", 18)
    await exchange.step()
    await exchange.step()
    assert [one.state for one in await moves(exchange)] == ["arrived"]
    await look(exchange, of)
    assert len(await moves(exchange)) == 1
    assert [one.amount for one in await proposals(exchange)] == ["20000.000000"]
    # The next day it goes on by itself, and the proposal is done.
    await look(exchange, of, utcnow() + timedelta(hours=25))
    assert len(await moves(exchange)) == 2
    assert await proposals(exchange) == []


@pytest.mark.slow
async def test_after_a_move_that_came_to_nothing_a_person_is_asked(exchange: Exchange) -> None:
    of = rebalancer(exchange, automatic=True, most_a_day="100000")
    await look(exchange, of)
    await exchange.step()
    funding = exchange.running.world.funding
    funding.fail(next(iter(funding.withdrawals)), exchange.running.world.now())
    await exchange.step()
    assert [one.state for one in await moves(exchange)] == ["failed"]
    await look(exchange, of)
    assert len(await moves(exchange)) == 1
    assert [one.kind for one in await proposals(exchange)] == ["to_wallet"]


async def test_a_key_that_is_not_meant_to_withdraw_withdraws_nothing(exchange: Exchange) -> None:
    of = rebalancer(exchange, withdrawals=False, automatic=True, most_a_day="100000")
    await look(exchange, of)
    assert await moves(exchange) == []
    assert await proposals(exchange) == []
    # And what was accepted before the setting was changed lapses.
    before = rebalancer(exchange)
    await look(exchange, before)
    (one,) = await proposals(exchange)
    await desk.accept(exchange.house.world.db, proposal_id=one.id, amount=one.amount, by=NO_ONE)
    await look(exchange, of)
    assert await moves(exchange) == []
    (lapsed,) = await proposals(exchange, None)
    assert (lapsed.state, lapsed.ended_by) == ("dismissed", NO_ONE)
    assert lapsed.reason.startswith("this key is not meant to withdraw")


@pytest.mark.slow
async def test_withdrawals_that_wait_are_paid_for_by_the_exchange(exchange: Exchange) -> None:
    of = rebalancer(exchange, most="300000", target="250000", least="240000")
    await look(exchange, of)
    assert await proposals(exchange) == []
    await look(exchange, of, USDT=units("USDT", "1234.5"))
    (one,) = await proposals(exchange)
    assert (one.amount, one.reason) == ("1234.500000", "the hot wallet lacks it")
    await look(exchange, of)
    assert [one.state for one in await proposals(exchange, None)] == ["done"]


@pytest.mark.slow
async def test_what_is_too_little_comes_from_the_hot_wallet_where_the_signer_has_an_address(
    exchange: Exchange,
) -> None:
    house, there = exchange.house, "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
    keep: dict[str, Any] = {"least": "301000", "target": "302000", "most": "400000"}
    await exchange.receives_at("USDT", there)
    await house.funded("ETH", "1")
    await house.funded("USDT", "1500")
    await look(exchange, rebalancer(exchange, **keep))
    assert await proposals(exchange) == []
    house.open(venues={"binance": {"USDT@ethereum": there}}, to_venue={"USDT": "5000"})
    of = rebalancer(exchange, **keep)
    await look(exchange, of)
    (one,) = await proposals(exchange)
    assert (one.kind, one.amount, one.address) == ("to_venue", "1500.000000", there)
    await desk.accept(house.world.db, proposal_id=one.id, amount=one.amount, by=NO_ONE)
    await look(exchange, of)
    (made,) = await moves(exchange)
    assert (made.direction, made.state, made.proposal_id) == ("to_venue", "moving", one.id)
    await look(exchange, of)
    assert len(await moves(exchange)) == 1


@pytest.mark.slow
async def test_an_accepted_proposal_that_cannot_be_done_for_an_hour_lapses(exchange: Exchange) -> None:
    of, world = rebalancer(exchange), exchange.house.world
    await look(exchange, of)
    (one,) = await proposals(exchange)
    await desk.accept(world.db, proposal_id=one.id, amount=one.amount, by=NO_ONE)
    await look(exchange, of, utcnow() + timedelta(minutes=61))
    (lapsed,) = [each for each in await proposals(exchange, None) if each.id == one.id]
    assert lapsed.state == "dismissed"
    assert await moves(exchange) == []


@pytest.mark.slow
async def test_a_refill_is_for_a_person_alone(exchange: Exchange) -> None:
    db, number = exchange.house.world.db, uuid.uuid4()
    async with db.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO treasury_proposals (id, kind, network, asset, units, address, reason, state, created_at, changed_at)"
                " VALUES (:id, 'refill', 'ethereum', 'USDT', 1000000, '0xA', 'short', 'open', now(), now())"
            ),
            {"id": number},
        )
    with pytest.raises(Refusal) as refused:
        await desk.accept(db, proposal_id=number, amount="1.000000", by=NO_ONE)
    assert refused.value.kind is Kind.CONFLICT


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"network": "bitcoin"}, "does not move over"),
        ({"least": "151000"}, "least <= target <= most"),
        ({"most_a_move": "0"}, "most_a_move above zero"),
        ({"smallest": "0.0000001"}, "decimals"),
    ],
)
def test_what_is_to_be_kept_must_make_sense(settings: Settings, wrong: dict[str, str], why: str) -> None:
    told = settings.model_dump() | {"venues": {"binance": {"keep": {"USDT": KEEP | wrong}}}}
    with pytest.raises(ValueError, match=why):
        Settings(**told)
