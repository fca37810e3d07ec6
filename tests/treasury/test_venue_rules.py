"""What is wanted of an exchange and a hot wallet, and what a fee was a part of: for all numbers."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from tidegate.ledger.rules import Posting
from tidegate.treasury import venue_rules
from tidegate.treasury.rules import Direction
from tidegate.treasury.venue_rules import Came, Keep, Standing, VenueMove, Wish, by_itself, came, wished

UNITS = st.integers(0, 10**6)
KEEP = Keep(least=100, target=200, most=400, smallest=20, most_a_move=1_000, automatic=True, most_a_day=500)


@st.composite
def keeps(draw: st.DrawFn) -> Keep:
    least, target, most = sorted(draw(st.tuples(UNITS, UNITS, UNITS)))
    return Keep(
        least=least,
        target=target,
        most=most,
        smallest=draw(UNITS),
        most_a_move=draw(st.integers(1, 10**6)),
        automatic=draw(st.booleans()),
        most_a_day=draw(UNITS),
        grain=draw(st.sampled_from([1, 10, 1000])),
    )


STANDINGS = st.builds(Standing, held=UNITS, free=UNITS, short=UNITS, spare=UNITS)


@given(keeps(), STANDINGS)
def test_a_move_is_within_its_bounds_and_takes_nobody_below_what_is_kept(keep: Keep, now: Standing) -> None:
    wish = wished(keep, now)
    if wish is None:
        return
    assert max(keep.smallest, 1) <= wish.units <= keep.most_a_move
    assert wish.units % keep.grain == 0
    if wish.direction is Direction.TO_WALLET:
        assert wish.units <= now.free
        assert now.held - wish.units >= keep.least
    else:
        assert wish.units <= now.spare
        assert now.held + wish.units <= keep.target


@given(keeps(), STANDINGS)
def test_what_was_moved_is_not_moved_back(keep: Keep, now: Standing) -> None:
    wish = wished(keep, now)
    if wish is None:
        return
    if wish.direction is Direction.TO_WALLET:
        after = Standing(now.held - wish.units, now.free - wish.units, max(0, now.short - wish.units), now.spare)
    else:
        after = Standing(now.held + wish.units, now.free + wish.units, now.short, now.spare - wish.units)
    then = wished(keep, after)
    assert then is None or then.direction is wish.direction or now.short > 0


def test_within_its_bounds_nothing_is_moved() -> None:
    for held in (100, 200, 400):
        assert wished(KEEP, Standing(held, held, short=0, spare=10_000)) is None


def test_above_and_below_it_is_brought_back_to_its_target() -> None:
    assert wished(KEEP, Standing(401, 401, 0, 0)) == Wish(Direction.TO_WALLET, 201, "more than is kept there")
    assert wished(KEEP, Standing(99, 99, 0, 5_000)) == Wish(Direction.TO_VENUE, 101, "less than is kept there")
    assert wished(KEEP, Standing(99, 99, 0, 30)) == Wish(Direction.TO_VENUE, 30, "less than is kept there")
    assert wished(KEEP, Standing(99, 99, 0, 19)) is None


def test_a_short_wallet_takes_down_to_the_least() -> None:
    assert wished(KEEP, Standing(200, 200, short=500, spare=0)) == Wish(
        Direction.TO_WALLET, 100, "the hot wallet lacks it"
    )
    assert wished(KEEP, Standing(100, 100, short=500, spare=0)) is None


def test_a_move_needs_no_person_within_the_days_cap_and_while_none_came_to_nothing() -> None:
    wish = Wish(Direction.TO_WALLET, 200, "")
    assert by_itself(KEEP, wish, moved_today=300, failed_lately=False)
    assert not by_itself(KEEP, wish, moved_today=301, failed_lately=False)
    assert not by_itself(KEEP, wish, moved_today=0, failed_lately=True)


MOVE = VenueMove(uuid.UUID(int=1), "binance", "ethereum", "USDT", 1_000)


def test_the_chain_says_what_the_fee_was_a_part_of() -> None:
    assert came(MOVE, arrived=1_000, fee_units=2) == Came(1_000, 2, on_top=True)
    assert came(MOVE, arrived=998, fee_units=2) == Came(998, 2, on_top=False)
    for arrived, fee in ((999, 2), (997, 2), (1_002, 2), (0, 1_000), (0, 0)):
        assert came(MOVE, arrived=arrived, fee_units=fee) is None


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.booleans())
def test_every_unit_that_left_is_in_the_wallet_or_a_cost(units: int, fee: int, on_top: bool) -> None:
    arrived = units if on_top else units - fee
    found = came(VenueMove(MOVE.id, "binance", "ethereum", "USDT", units), arrived=arrived, fee_units=fee)
    if arrived <= 0:
        assert found is None
        return
    assert found is not None
    move = VenueMove(MOVE.id, "binance", "ethereum", "USDT", units)
    changes = _sum(venue_rules.left_venue(move), venue_rules.at_wallet(move, found, "0xab"))
    assert changes["in_transit"] == 0
    assert changes["wallet:hot"] == arrived
    assert changes["wallet:hot"] + changes["cost:venue"] == -changes["venue"]


def _sum(*postings: Posting) -> dict[str, int]:
    found = dict.fromkeys(("in_transit", "wallet:hot", "cost:venue", "venue"), 0)
    for posting in postings:
        for one in posting.transfers:
            found[one.debit.name] += one.units
            found[one.credit.name] -= one.units
    return found
