"""Caps and totals: what they let through, what a refusal leaves behind, and that nothing signed is forgotten for them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.signer.world import NOW, RECIPIENT, Coins, ether, intent, settings, sign_bitcoin, sign_evm, usdt
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Answer, Approved, Denied, Rule

GAS_PAID = 80_000 * 20 * 10**9
"""What one request of these tests may cost in gas."""


class Clock:
    """The time as the desk sees it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> str:
        return self.now


Opened = Callable[..., Desk]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(seed: Seed, tmp_path: Path, clock: Clock) -> Iterator[Opened]:
    """A desk with these bounds; opened again it goes on with the same journal."""
    journals: list[Journal] = []

    def start(**bounds: dict[str, str]) -> Desk:
        for journal in journals:
            journal.close()
        configured = settings(tmp_path, **bounds)
        journals.append(Journal(tmp_path / "limits.jsonl"))
        vaults = open_vaults(seed, configured)
        return Desk(vaults, policies_of(configured), journals[-1], tmp_path / "frozen", clock)

    yield start
    for journal in journals:
        journal.close()


def denied(answer: Answer, rule: Rule) -> Denied:
    assert isinstance(answer, Denied) and answer.rule == rule, answer
    return answer


def test_a_payout_above_the_cap_does_not_hold_its_id(opened: Opened, coins: Coins) -> None:
    desk, wanted = opened(max_payout={"BTC": "0.0005"}), intent()
    request = sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)
    assert not denied(desk.sign(request), Rule.ABOVE_CAP).signed
    smaller = replace(wanted, deliver_units=50_000)
    assert isinstance(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 50_000)]), smaller)), Approved)


def test_a_cap_lowered_after_the_signature_still_gives_the_signed_bytes(opened: Opened) -> None:
    """Whoever lost the answer must get it: the bytes may be on their way already."""
    request = sign_evm(usdt(), nonce=3)
    first = opened().sign(request)
    assert opened(max_payout={"USDT": "1"}).sign(request) == first


def test_a_denial_by_a_lowered_cap_says_that_something_was_signed(opened: Opened) -> None:
    wanted = usdt()
    first = opened().sign(sign_evm(wanted, nonce=3))
    assert isinstance(first, Approved)
    other = sign_evm(wanted, nonce=3, replaces=first.txid, max_fee_per_gas=40 * 10**9, max_priority_fee_per_gas=10**10)
    assert denied(opened(max_payout={"USDT": "1"}).sign(other), Rule.ABOVE_CAP).signed


@pytest.mark.parametrize(
    ("bound", "rule", "later"),
    [
        ("max_hourly", Rule.OVER_HOURLY, "2026-11-24T11:00:00Z"),
        ("max_daily", Rule.OVER_DAILY, "2026-11-25T10:00:00Z"),
    ],
)
def test_a_total_counts_what_was_signed_in_its_window_and_no_longer(
    opened: Opened, clock: Clock, bound: str, rule: Rule, later: str
) -> None:
    desk = opened(**{bound: {"USDT": "50"}})
    for nonce in range(2):
        assert isinstance(desk.sign(sign_evm(usdt(), nonce=nonce)), Approved)
    third = sign_evm(usdt(), nonce=2)
    assert not denied(desk.sign(third), rule).signed
    clock.now = later.replace("00:00Z", "00:00.000Z")
    assert isinstance(desk.sign(third), Approved)


def test_totals_outlive_a_restart(opened: Opened) -> None:
    bounds = {"max_hourly": {"USDT": "30"}}
    assert isinstance(opened(**bounds).sign(sign_evm(usdt(), nonce=0)), Approved)
    denied(opened(**bounds).sign(sign_evm(usdt(), nonce=1)), Rule.OVER_HOURLY)


def test_a_clock_set_back_forgets_nothing(opened: Opened, clock: Clock) -> None:
    desk = opened(max_hourly={"USDT": "30"})
    assert isinstance(desk.sign(sign_evm(usdt(), nonce=0)), Approved)
    clock.now = "2026-11-20T10:00:00Z"
    denied(desk.sign(sign_evm(usdt(), nonce=1)), Rule.OVER_HOURLY)


def test_network_fees_count_and_a_replacement_counts_only_what_it_adds(opened: Opened) -> None:
    twice = GAS_PAID * 2
    desk = opened(max_hourly={"ETH": f"0.{10**17 + twice:018d}"})
    wanted = ether()
    first = desk.sign(sign_evm(wanted, nonce=0))
    assert isinstance(first, Approved) and first.fee_units == GAS_PAID
    fees = {"max_fee_per_gas": 40 * 10**9, "max_priority_fee_per_gas": 2 * 10**9}
    assert isinstance(desk.sign(sign_evm(wanted, nonce=0, replaces=first.txid, **fees)), Approved)
    denied(desk.sign(sign_evm(usdt(), nonce=1, gas=21_000)), Rule.OVER_HOURLY)


def test_totals_are_of_an_asset_over_all_its_payouts_in_one_batch(opened: Opened, coins: Coins) -> None:
    desk, wanted = opened(max_hourly={"BTC": "0.0025"}), [intent(), intent(), intent()]
    psbt = coins.pay([(RECIPIENT, 100_000)] * 3)
    denied(desk.sign(sign_bitcoin(psbt, *wanted)), Rule.OVER_HOURLY)
    assert isinstance(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)] * 2), *wanted[:2])), Approved)


def test_an_asset_without_a_total_has_none(opened: Opened) -> None:
    desk = opened(max_hourly={"BTC": "0.0001"}, max_daily={})
    assert isinstance(desk.sign(sign_evm(usdt(), nonce=0)), Approved)
