"""The harness's plain model finds what it is there to find: each kind of difference is said, and a world as it should be
is said nothing of."""

from dataclasses import replace

import pytest

from tests.crash.draw import chains, draw
from tests.crash.model import Model, Order, Payment, Price, World, differences, units
from tests.crash.report import Sum, of_the_table, page
from tests.crash.round import Outcome
from tidegate.failpoints import POINTS

PLAIN = Price("USDT", 26_000_000, "USDT", 25_000_000, 1_000_000)
CONVERTED = Price("BTC", 50_000, "USDT", 25_000_000, 2_000)
ORDER = Order("mine", "filled", ("7", "8"), (("7", "8"),))


def model() -> Model:
    """One was paid, one came back after its conversion, one waits for its owner."""
    return Model(
        given={("ann", "USDT"): 100_000_000, ("ben", "BTC"): 60_000, ("cem", "USDT"): 26_000_000},
        payments=[
            Payment("1", "ann", "0xaa", PLAIN, verified=True, told="completed"),
            Payment("2", "ben", "0xbb", CONVERTED, verified=True, called_back=True, told="cancelled"),
            Payment("3", "cem", "0xcc", PLAIN, told="pending_verification"),
        ],
    )


def world() -> World:
    return World(
        free={("ann", "USDT"): 74_000_000, ("ben", "BTC"): 12_000, ("ben", "USDT"): 25_000_000},
        held={("cem", "USDT"): 26_000_000},
        paid={"0xaa": [("USDT", 25_000_000)]},
        orders=(ORDER,),
        strangers=(),
        sums={"USDT": 0, "BTC": 0},
        delivered={"ann": {2: {"a"}, 3: {"b"}}},
        events={"ann": [2, 3]},
    )


def test_a_world_as_it_should_be_differs_in_nothing() -> None:
    assert differences(model(), world()) == []


PAID = ("USDT", 25_000_000)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"paid": {"0xaa": [PAID, PAID]}}, "PAID TWICE"),
        ({"paid": {}}, "LOST"),
        ({"paid": {"0xaa": [("USDT", 24_999_999)]}}, "WRONG AMOUNT"),
        ({"paid": {"0xaa": [PAID], "0xbb": [PAID]}}, "PAID AND NOT COMPLETED"),
        ({"paid": {"0xaa": [PAID], "0xcc": [PAID]}}, "PAID AND NOT COMPLETED"),
        ({"free": {**world().free, ("ann", "USDT"): 74_000_001}}, "available"),
        ({"held": {}}, "held"),
        ({"sums": {"USDT": 1}}, "does not add up"),
        ({"orders": (replace(ORDER, at_venue=(("7",), ("8",))),)}, "ORDERED TWICE"),
        ({"orders": (replace(ORDER, booked=("7",)),)}, "the exchange traded"),
        ({"orders": (replace(ORDER, booked=("7", "8", "8")),)}, "the exchange traded"),
        ({"orders": (replace(ORDER, state="unknown"),)}, "a dead end"),
        ({"strangers": ("nobody's",)}, "do not know"),
        ({"delivered": {"ann": {2: {"a"}}}}, "never heard of [3]"),
        ({"delivered": {"ann": {2: {"a"}, 3: {"b", "c"}}}}, "under 2 ids"),
        ({"delivered": {"ann": {2: {"a"}, 3: {"b"}, 4: {"d"}}}}, "never happened"),
    ],
)
def test_each_thing_that_may_go_wrong_is_said(changed: dict[str, object], said: str) -> None:
    found = differences(model(), replace(world(), **changed))  # type: ignore[arg-type]  # a field each
    assert found
    assert any(said in one for one in found)


@pytest.mark.parametrize("told", ["queued", "signing", "confirming", "pending_screening"])
def test_what_was_confirmed_and_never_ends_is_a_dead_end(told: str) -> None:
    asked = model()
    asked.payments[0].told = told
    assert any("a dead end" in one for one in differences(asked, world()))


def test_a_cancel_that_was_answered_with_yes_and_is_paid_all_the_same_is_found() -> None:
    asked = model()
    asked.payments[0].called_back = True
    assert any("cancelled, and it is completed" in one for one in differences(asked, world()))


def test_amounts_are_read_to_the_unit_and_never_rounded() -> None:
    assert units("ETH", "0.111111111111111111") == 111_111_111_111_111_111
    with pytest.raises(AssertionError):
        units("USDT", "0.0000001")


def test_a_seed_and_a_failpoint_are_one_load_for_ever() -> None:
    for point in POINTS:
        assert draw(point, 3) == draw(point, 3)
    assert len({draw("P9.reserve:after", seed).ops for seed in range(30)}) > 20


def test_the_failpoints_of_a_chain_are_all_of_them_and_each_once() -> None:
    rows = list(chains(of_the_table()))
    assert sorted(one for row in rows for one in row) == sorted(of_the_table())
    assert len(rows) < len(of_the_table()) / 2


def test_a_report_adds_up_runs_and_takes_in_an_earlier_part_of_the_sweep() -> None:
    def outcome(seed: int) -> Outcome:
        return Outcome("P13.send:after", seed, ["P13.send:after"], 4, {"completed 1": 3, "cancelled 0": 1}, 1, 2, 1.5)

    first, whole = Sum(), Sum()
    for seed in (1, 2):
        first.add(outcome(seed))
    whole.take_in(first.to_json("make crash"))
    whole.add(outcome(3))
    told = whole.to_json("make crash SEEDS=3")
    assert (told["runs"], told["seeds"], told["counts"]["withdrawals"]) == (3, [1, 2, 3], 12)
    assert told["outputs"] == {"cancelled 0": 3, "completed 1": 9}
    assert set(told["points"]) == set(of_the_table())
    read = page(told)
    assert "| runs | 3 |" in read
    assert "| seeds | 1 to 3 |" in read
    assert "| **paid twice** | **0** |" in read
