"""Batches, replacements and children: whatever is signed twice for a payout, at most one of it can ever be mined."""

from dataclasses import replace

import bdkpython as bdk
import pytest

from tests.signer.world import ACCOUNT, OTHER, RECIPIENT, Coins, ether, intent, sign_bitcoin, sign_evm, usdt
from tidegate.signer.desk import Desk
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Answer, Approved, Denied, Intent, Payout, Rule, SignBitcoin, SignChild

PAID = [(RECIPIENT, 100_000)]


def approved(answer: Answer) -> Approved:
    assert isinstance(answer, Approved), answer
    return answer


def denied(answer: Answer, rule: Rule) -> Denied:
    assert isinstance(answer, Denied) and answer.rule == rule, answer
    return answer


def outpoints(raw: bytes) -> set[tuple[str, int]]:
    return {(str(i.previous_output.txid), i.previous_output.vout) for i in bdk.Transaction(raw).input()}


# --- Bitcoin -------------------------------------------------------------------------------------------------------


def test_a_replacement_with_the_same_coin_and_a_higher_fee_is_signed(desk: Desk, coins: Coins) -> None:
    wanted, coin = intent(), coins.receive(300_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin]), wanted)))
    second = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin], rate=9), wanted, replaces=first.txid)))
    assert outpoints(first.raw) == outpoints(second.raw)
    assert second.fee_units > first.fee_units


def test_a_replacement_must_share_a_coin_with_every_earlier_transaction(
    desk: Desk, coins: Coins, journal: Journal
) -> None:
    wanted = intent()
    one, two = coins.receive(300_000), coins.receive(400_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[one]), wanted)))
    fresh = sign_bitcoin(coins.pay(PAID, only=[two], rate=9), wanted)
    assert denied(desk.sign(fresh), Rule.SECOND_TRANSACTION).signed
    denied(desk.sign(replace(fresh, replaces=first.txid)), Rule.SECOND_TRANSACTION)
    both = sign_bitcoin(coins.pay(PAID, only=[one, two], rate=12), wanted, replaces=first.txid)
    second = approved(desk.sign(both))
    # It excludes the second and not the first: sharing with one of them is not enough.
    half = sign_bitcoin(coins.pay(PAID, only=[two], rate=40), wanted, replaces=second.txid)
    denied(desk.sign(half), Rule.SECOND_TRANSACTION)
    assert len(journal.memory.attempts.get(wanted.payout_id)) == 2


def test_another_transaction_that_does_not_say_what_it_replaces_is_refused(desk: Desk, coins: Coins) -> None:
    wanted, coin = intent(), coins.receive(300_000)
    approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin]), wanted)))
    denied(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin], rate=9), wanted)), Rule.SECOND_TRANSACTION)


def test_what_was_never_signed_for_the_payout_cannot_be_replaced(desk: Desk, coins: Coins) -> None:
    one, two = coins.receive(300_000), coins.receive(400_000)
    first, second = intent(), intent(address=OTHER)
    signed = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[one]), first)))
    other = sign_bitcoin(coins.pay([(OTHER, 100_000)], only=[one, two], rate=9), second, replaces=signed.txid)
    assert not denied(desk.sign(other), Rule.WRONG_REPLACEMENT).signed
    denied(desk.sign(replace(other, replaces="00" * 32)), Rule.WRONG_REPLACEMENT)


@pytest.mark.parametrize("fee", [800, 900])
def test_a_replacement_that_does_not_pay_more_is_refused(desk: Desk, coins: Coins, fee: int) -> None:
    wanted, one, two = intent(), coins.receive(300_000), coins.receive(400_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[one], fee=900), wanted)))
    cheap = sign_bitcoin(coins.pay(PAID, only=[one, two], fee=fee), wanted, replaces=first.txid)
    denied(desk.sign(cheap), Rule.REPLACEMENT_TOO_CHEAP)


def test_a_replacement_keeps_within_the_fee_that_the_intent_allows(desk: Desk, coins: Coins) -> None:
    wanted, coin = intent(max_network_fee_units=1_000), coins.receive(300_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin], fee=900), wanted)))
    dear = sign_bitcoin(coins.pay(PAID, only=[coin], fee=1_001), wanted, replaces=first.txid)
    assert denied(desk.sign(dear), Rule.FEE_TOO_HIGH).signed
    approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin], fee=1_000), wanted, replaces=first.txid)))


def batch(seed: Seed, number: int) -> list[Intent]:
    external = Seed(bytes(range(16)), 0).descriptors("regtest")[0]
    addresses = [str(external.derive_address(place, bdk.Network.REGTEST)) for place in range(number)]
    return [intent(address=address, deliver_units=5_000 + place) for place, address in enumerate(addresses)]


def owed(intents: list[Intent]) -> list[tuple[str, int]]:
    return [(one.address, one.deliver_units) for one in intents]


def test_a_batch_of_a_hundred_payouts_is_signed_and_replaced_as_a_whole(desk: Desk, coins: Coins, seed: Seed) -> None:
    wanted, coin = batch(seed, 100), coins.receive(3_000_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(owed(wanted), only=[coin], rate=2), *wanted)))
    assert len(bdk.Transaction(first.raw).output()) == 101
    again = sign_bitcoin(coins.pay(owed(wanted), only=[coin], rate=3), *wanted, replaces=first.txid)
    approved(desk.sign(again))


def test_a_hundred_and_one_payouts_are_too_many(desk: Desk, coins: Coins, seed: Seed) -> None:
    wanted, coin = batch(seed, 101), coins.receive(3_000_000)
    denied(desk.sign(sign_bitcoin(coins.pay(owed(wanted), only=[coin], rate=2), *wanted)), Rule.MALFORMED)


@pytest.mark.parametrize("kept", [(0, 1), (0,), (0, 1, 2, 3)], ids=["fewer", "one", "more"])
def test_a_replacement_of_a_batch_pays_exactly_the_same_payouts(
    desk: Desk, coins: Coins, seed: Seed, kept: tuple[int, ...]
) -> None:
    """The payouts that it leaves out would wait for a transaction that can no longer be mined, and be paid again."""
    wanted, coin = batch(seed, 4), coins.receive(900_000)
    first = approved(desk.sign(sign_bitcoin(coins.pay(owed(wanted[:3]), only=[coin]), *wanted[:3])))
    others = [wanted[place] for place in kept]
    answer = desk.sign(sign_bitcoin(coins.pay(owed(others), only=[coin], rate=20), *others, replaces=first.txid))
    assert denied(answer, Rule.WRONG_REPLACEMENT).signed


def test_one_bad_payout_refuses_its_whole_batch(desk: Desk, coins: Coins, seed: Seed, journal: Journal) -> None:
    wanted, coin = batch(seed, 5), coins.receive(900_000)
    request = sign_bitcoin(coins.pay(owed(wanted), only=[coin]), *wanted)
    bad = Payout(replace(wanted[3], deliver_units=wanted[3].deliver_units + 1), request.payouts[3].authorisation)
    mixed = SignBitcoin((*request.payouts[:3], bad, *request.payouts[4:]), request.psbt)
    assert not denied(desk.sign(mixed), Rule.DIGEST_MISMATCH).signed
    assert not journal.memory.attempts


def test_two_payouts_to_one_address_need_two_outputs(desk: Desk, coins: Coins) -> None:
    first, second, coin = intent(), intent(), coins.receive(900_000)
    denied(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin]), first, second)), Rule.WRONG_OUTPUT)
    approved(desk.sign(sign_bitcoin(coins.pay(PAID * 2, only=[coin]), first, second)))


# --- children ------------------------------------------------------------------------------------------------------


def paid(desk: Desk, coins: Coins, **changes: int) -> tuple[Approved, bdk.OutPoint]:
    """A signed payout, and where its change lies."""
    coin = coins.receive(900_000)
    signed = approved(desk.sign(sign_bitcoin(coins.pay(PAID, only=[coin], rate=2), intent(**changes))))
    coins.learn(signed.raw)
    outputs = bdk.Transaction(signed.raw).output()
    place = next(n for n, output in enumerate(outputs) if output.value.to_sat() != 100_000)
    return signed, bdk.OutPoint(txid=bdk.Transaction(signed.raw).compute_txid(), vout=place)


def test_a_child_that_moves_its_parents_change_back_to_us_is_signed(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    request = SignChild("bitcoin", signed.txid, coins.back(change, 3_000))
    child = approved(desk.sign(request))
    assert child.fee_units == 3_000
    assert outpoints(child.raw) == {(signed.txid, change.vout)}
    assert desk.sign(request) == child, "the same request again gives identical bytes"


def test_a_child_and_its_parent_keep_within_the_fee_that_the_payout_allows(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins, max_network_fee_units=5_000)
    over = 5_001 - signed.fee_units
    denied(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, over))), Rule.FEE_TOO_HIGH)
    approved(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, over - 1))))


def test_a_second_child_must_pay_more_than_the_first(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    approved(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, 3_000))))
    denied(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, 3_000))), Rule.REPLACEMENT_TOO_CHEAP)
    approved(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, 3_100))))


def test_a_child_pays_nobody(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    psbt = coins.pay([(OTHER, 50_000)], only=[change])
    denied(desk.sign(SignChild("bitcoin", signed.txid, psbt)), Rule.WRONG_OUTPUT)
    swept = coins.pay([(OTHER, 799_000)], only=[change], fee=582)
    answer = desk.sign(SignChild("bitcoin", signed.txid, swept))
    assert isinstance(answer, Denied)


def test_a_child_spends_the_change_of_its_parent_alone(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    other, _ = paid(desk, coins)
    stray = coins.receive(80_000)
    denied(desk.sign(SignChild("bitcoin", signed.txid, coins.back(stray, 1_000))), Rule.WRONG_PARENT)
    denied(desk.sign(SignChild("bitcoin", other.txid, coins.back(change, 1_000))), Rule.WRONG_PARENT)
    denied(desk.sign(SignChild("bitcoin", "00" * 32, coins.back(change, 1_000))), Rule.WRONG_PARENT)


def test_a_child_has_no_children(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    child = approved(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, 1_000))))
    coins.learn(child.raw, seen=3)
    place = bdk.OutPoint(txid=bdk.Transaction(child.raw).compute_txid(), vout=0)
    denied(desk.sign(SignChild("bitcoin", child.txid, coins.back(place, 1_000))), Rule.WRONG_PARENT)


def test_change_that_pays_another_payout_is_no_childs(desk: Desk, coins: Coins) -> None:
    signed, change = paid(desk, coins)
    other = intent(address=OTHER)
    approved(desk.sign(sign_bitcoin(coins.pay([(OTHER, 100_000)], only=[change]), other)))
    denied(desk.sign(SignChild("bitcoin", signed.txid, coins.back(change, 1_000))), Rule.WRONG_PARENT)


# --- EVM -----------------------------------------------------------------------------------------------------------

PRICE, TIP = 20 * 10**9, 10**9


def test_a_replacement_at_the_same_nonce_with_both_fees_an_eighth_up_is_signed(desk: Desk) -> None:
    wanted = usdt()
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    dearer = {"max_fee_per_gas": PRICE * 9 // 8, "max_priority_fee_per_gas": TIP * 9 // 8}
    second = approved(desk.sign(sign_evm(wanted, nonce=3, replaces=first.txid, **dearer)))
    assert first.txid != second.txid


@pytest.mark.parametrize(
    ("price", "tip"), [(PRICE * 9 // 8, TIP), (PRICE, TIP * 9 // 8), (PRICE * 9 // 8 - 1, 2 * TIP)]
)
def test_a_replacement_that_nodes_would_not_take_is_refused(desk: Desk, price: int, tip: int) -> None:
    wanted = usdt()
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    fees = {"max_fee_per_gas": price, "max_priority_fee_per_gas": tip}
    denied(desk.sign(sign_evm(wanted, nonce=3, replaces=first.txid, **fees)), Rule.REPLACEMENT_TOO_CHEAP)


def test_a_replacement_at_another_nonce_is_refused(desk: Desk) -> None:
    wanted = usdt()
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    fees = {"max_fee_per_gas": 2 * PRICE, "max_priority_fee_per_gas": 2 * TIP}
    denied(desk.sign(sign_evm(wanted, nonce=4, replaces=first.txid, **fees)), Rule.SECOND_TRANSACTION)


def test_a_replacement_does_not_pay_another_payout(desk: Desk) -> None:
    first = approved(desk.sign(sign_evm(usdt(), nonce=3)))
    fees = {"max_fee_per_gas": 2 * PRICE, "max_priority_fee_per_gas": 2 * TIP}
    denied(desk.sign(sign_evm(ether(address=ACCOUNT), nonce=3, replaces=first.txid, **fees)), Rule.NONCE_USED)


def test_a_replacement_keeps_within_the_fee_that_the_evm_intent_allows(desk: Desk) -> None:
    wanted = usdt(max_network_fee_units=80_000 * 2 * PRICE - 1)
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    fees = {"max_fee_per_gas": 2 * PRICE, "max_priority_fee_per_gas": 2 * TIP}
    denied(desk.sign(sign_evm(wanted, nonce=3, replaces=first.txid, **fees)), Rule.FEE_TOO_HIGH)
