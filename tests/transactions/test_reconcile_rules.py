"""When a difference freezes: pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.compliance.rules import Cause
from tidegate.transactions.reconcile_rules import Wish, sentence, steady, still, wishes

ASSETS = {"bitcoin": ["BTC"], "ethereum": ["ETH", "USDT", "USDC"]}


def line(place: str, code: str, off: str, **terms: str) -> dict[str, Any]:
    return {
        "place": place,
        "asset": code,
        "ledger": "5",
        "terms": terms,
        "world": "5",
        "difference": off,
        "steady": off,
    }


def report(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "findings": [], "orphans": [], "unchecked": [], **more}


def judged(before: dict[str, Any] | None, now: dict[str, Any], **tolerances: int) -> list[Wish]:
    return wishes(before, now, tolerances=tolerances, assets_of=ASSETS)


@pytest.mark.parametrize(
    ("looks", "found"),
    [((), 0), ((-5,), -5), ((-5, -5), -5), ((-5, -7, -3), -3), ((5, 0, 5), 0), ((5, -5), 0), ((2, 9), 2)],
)
def test_the_steady_part_of_a_difference_is_what_was_there_at_every_look(looks: tuple[int, ...], found: int) -> None:
    assert steady(looks) == found


@given(st.lists(st.integers(-100, 100), min_size=1))
def test_the_steady_part_never_exceeds_any_look_and_has_its_sign(looks: list[int]) -> None:
    found = steady(looks)
    assert all(abs(found) <= abs(one) and found * one >= 0 for one in looks)
    assert (found == 0) == (0 in looks or min(looks) * max(looks) < 0)


def test_a_difference_freezes_at_the_second_run_that_has_it_and_says_its_terms() -> None:
    off = report(line("bitcoin", "BTC", "-0.5", sent_not_settled="-1", moves_in_transit="0.00000000"))
    assert judged(None, off) == []
    (wish,) = judged(off, off)
    assert (wish.cause, wish.asset, wish.place) == (Cause.DIFFERENCE, "BTC", "bitcoin")
    assert wish.reason == ("bitcoin, BTC: 0.50000000 less than the books say. world 5, ledger 5 + sent_not_settled -1")


@pytest.mark.parametrize(
    "before",
    [
        report(line("bitcoin", "BTC", "0.5")),  # the other side: it is moving
        report(line("bitcoin", "BTC", "0")),
        report(line("ethereum", "ETH", "-0.5")),
        report(unchecked=["bitcoin: the node is down"]),
        report({"place": "bitcoin", "asset": "BTC", "difference": "-0.5"}),  # of an earlier version
    ],
)
def test_a_difference_that_the_run_before_did_not_have_freezes_nothing(before: dict[str, Any]) -> None:
    assert judged(before, report(line("bitcoin", "BTC", "-0.5"))) == []


def test_a_difference_that_grows_freezes_by_what_was_there_all_along() -> None:
    (wish,) = judged(report(line("kraken", "ETH", "-1")), report(line("kraken", "ETH", "-9")))
    assert wish.reason.startswith("kraken, ETH: 1.000000000000000000 less")


@pytest.mark.parametrize(("tolerance", "frozen"), [(100, 0), (99, 1), (0, 1)])
def test_a_difference_up_to_the_tolerance_freezes_nothing(tolerance: int, frozen: int) -> None:
    off = report(line("bitcoin", "BTC", "0.00000100"))
    assert len(judged(off, off, BTC=tolerance)) == frozen


def test_what_could_not_be_asked_is_no_difference() -> None:
    away = report(unchecked=["bitcoin: the node is down"])
    assert judged(away, away) == []


def test_an_orphan_freezes_every_asset_of_its_chain_at_once() -> None:
    orphan = {"network": "ethereum", "name": "nonce 7", "what": "the chain counts 8, we made 7"}
    found = judged(None, report(orphans=[orphan, orphan]))
    assert [(one.cause, one.asset) for one in found] == [(Cause.ORPHAN, code) for code in ASSETS["ethereum"]]
    assert all("nonce 7" in one.reason for one in found)


def test_what_the_ledger_itself_finds_freezes_its_asset_or_everything_at_the_second_run() -> None:
    found = [{"check": "holds", "detail": "USDT of somebody: held 1, needed 2"}, {"check": "guards", "detail": "off"}]
    off = report(findings=found)
    assert judged(None, off) == []
    assert [(one.asset, one.place) for one in judged(off, off)] == [("USDT", "ledger"), ("*", "ledger")]


def test_what_speaks_against_a_release_is_said_by_asset() -> None:
    orphan = {"network": "bitcoin", "name": "t", "what": "unknown"}
    now = report(
        line("bitcoin", "BTC", "-0.5"), line("ethereum", "ETH", "2"), orphans=[orphan], unchecked=["kraken: away"]
    )

    def told(code: str) -> list[str]:
        return [one.partition(" ")[0] for one in still(now, code, tolerances={}, assets_of=ASSETS)]

    assert told("BTC") == ["bitcoin,", "bitcoin:", "not"]
    assert told("ETH") == ["ethereum,", "not"]
    assert told("*") == ["bitcoin,", "ethereum,", "bitcoin:", "not"]
    assert still(report(), "*", tolerances={}, assets_of=ASSETS) == []


def test_a_sentence_leaves_out_terms_that_are_nothing() -> None:
    assert "moves" not in sentence(line("bitcoin", "BTC", "1", moves_in_transit="-0.00000000"), 1)
