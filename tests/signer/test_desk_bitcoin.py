"""What the signer signs of Bitcoin, and that whatever was changed on the way there is refused without a signature."""

import base64
from dataclasses import replace
from pathlib import Path

import bdkpython as bdk
import pytest

from tests.signer.world import OTHER, RECIPIENT, Coins, intent, sign_bitcoin, yes
from tidegate.signer.desk import Desk
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Answer, Approved, Authorisation, Denied, Payout, Rule, SignBitcoin


def refused(answer: Answer, rule: Rule, journal: Journal) -> None:
    assert isinstance(answer, Denied), answer
    assert answer.rule == rule
    assert not journal.memory.attempts, "something was signed"


def test_an_authorised_payout_is_signed_in_full(desk: Desk, coins: Coins) -> None:
    wanted = intent()
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, wanted.deliver_units)]), wanted))
    assert isinstance(answer, Approved)
    signed = bdk.Transaction(answer.raw)
    assert str(signed.compute_txid()) == answer.txid
    paid = {bytes(o.script_pubkey.to_bytes()).hex(): o.value.to_sat() for o in signed.output()}
    assert paid["0014751e76e8199196d454941c45d1b3a323f1433bd6"] == 100_000
    assert sum(paid.values()) + answer.fee_units == 1_000_000
    assert all(len(i.witness) == 2 for i in signed.input())
    assert answer.fee_units == pytest.approx(5 * signed.vsize(), abs=10)


def test_two_payouts_in_one_transaction_are_signed(desk: Desk, coins: Coins) -> None:
    first, second = intent(), intent(address=OTHER, deliver_units=50_000)
    psbt = coins.pay([(RECIPIENT, 100_000), (OTHER, 50_000)])
    assert isinstance(desk.sign(sign_bitcoin(psbt, first, second)), Approved)


def test_the_same_request_again_gives_identical_bytes(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent()
    request = sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)
    first = desk.sign(request)
    lines = journal.lines
    assert isinstance(first, Approved)
    assert desk.sign(request) == first
    assert journal.lines == lines


def test_another_recipient_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    answer = desk.sign(sign_bitcoin(coins.pay([(OTHER, 100_000)]), intent()))
    refused(answer, Rule.WRONG_OUTPUT, journal)


@pytest.mark.parametrize("units", [99_999, 100_001])
def test_another_amount_is_refused(desk: Desk, coins: Coins, journal: Journal, units: int) -> None:
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, units)]), intent()))
    refused(answer, Rule.WRONG_AMOUNT, journal)


def test_an_extra_output_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000), (OTHER, 5_000)]), intent()))
    refused(answer, Rule.WRONG_OUTPUT, journal)


def test_paying_an_authorised_payout_twice_in_one_transaction_is_refused(
    desk: Desk, coins: Coins, journal: Journal
) -> None:
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000), (RECIPIENT, 100_000)]), intent()))
    refused(answer, Rule.WRONG_OUTPUT, journal)


def test_a_payout_that_the_transaction_leaves_out_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    missing = intent(address=OTHER, deliver_units=1_000)
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), intent(), missing))
    refused(answer, Rule.WRONG_OUTPUT, journal)


def test_one_authorisation_does_not_pay_two_payouts(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent()
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted, wanted))
    refused(answer, Rule.MALFORMED, journal)


def test_a_coin_of_another_wallet_is_refused(desk: Desk, journal: Journal) -> None:
    stranger = Coins(Seed(bytes(range(16)), 0))
    stranger.receive(1_000_000)
    answer = desk.sign(sign_bitcoin(stranger.pay([(RECIPIENT, 100_000)]), intent()))
    refused(answer, Rule.FOREIGN_INPUT, journal)


def test_an_input_without_its_parent_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    # A signature over an amount that is only claimed can be combined with another one into a huge fee.
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)], witness_only=True), intent()))
    refused(answer, Rule.FOREIGN_INPUT, journal)


def test_change_to_a_deposit_address_is_refused(desk: Desk, coins: Coins, seed: Seed, journal: Journal) -> None:
    external, _ = seed.descriptors("regtest")
    deposit = str(external.derive_address(7, bdk.Network.REGTEST))
    coins.wallet.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, 8)
    psbt = coins.pay([(RECIPIENT, 100_000)], rest_to=deposit)
    assert any(output.bip32_derivation for output in bdk.Psbt(psbt).output()), "the PSBT must claim it to be a test"
    refused(desk.sign(sign_bitcoin(psbt, intent())), Rule.WRONG_OUTPUT, journal)


def test_two_change_outputs_are_refused(desk: Desk, coins: Coins, seed: Seed, journal: Journal) -> None:
    _, internal = seed.descriptors("regtest")
    ours = str(internal.derive_address(7, bdk.Network.REGTEST))
    coins.wallet.reveal_addresses_to(bdk.KeychainKind.INTERNAL, 8)
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000), (ours, 50_000)]), intent()))
    refused(answer, Rule.WRONG_OUTPUT, journal)


def test_a_fee_above_the_intent_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent(max_network_fee_units=500)
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)], rate=5), wanted))
    refused(answer, Rule.FEE_TOO_HIGH, journal)


def test_a_fee_above_the_configured_rate_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent(max_network_fee_units=10**6)
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)], rate=130), wanted))
    refused(answer, Rule.FEE_TOO_HIGH, journal)


def test_above_the_largest_payout_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    coins.receive(200_000_000)
    wanted = intent(deliver_units=100_000_001)
    answer = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000_001)]), wanted))
    refused(answer, Rule.ABOVE_CAP, journal)


def test_an_authorisation_of_another_intent_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent()
    forged = Payout(replace(wanted, address=OTHER), yes(wanted))
    answer = desk.sign(SignBitcoin((forged,), coins.pay([(OTHER, 100_000)])))
    refused(answer, Rule.DIGEST_MISMATCH, journal)
    assert not journal.memory.digests, "a forged intent must not claim the payout"
    assert isinstance(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)), Approved)


def test_an_authorisation_by_another_user_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent()
    other = Authorisation(wanted.digest(), "totp", "somebody else", wanted.created_at)
    answer = desk.sign(SignBitcoin((Payout(wanted, other),), coins.pay([(RECIPIENT, 100_000)])))
    refused(answer, Rule.DIGEST_MISMATCH, journal)


def test_a_second_intent_for_one_payout_is_refused(desk: Desk, coins: Coins) -> None:
    wanted = intent()
    assert isinstance(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)), Approved)
    changed = replace(wanted, address=OTHER)
    answer = desk.sign(sign_bitcoin(coins.pay([(OTHER, 100_000)]), changed))
    assert isinstance(answer, Denied) and answer.rule == Rule.SECOND_DIGEST


def test_a_refused_intent_holds_its_payout_too(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent(max_network_fee_units=1)
    refused(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)), Rule.FEE_TOO_HIGH, journal)
    changed = replace(wanted, max_network_fee_units=10_000)
    refused(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), changed)), Rule.SECOND_DIGEST, journal)


def test_a_frozen_signer_signs_nothing_until_thawed(
    desk: Desk, coins: Coins, freeze_flag: Path, journal: Journal
) -> None:
    request = sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), intent())
    freeze_flag.touch()
    refused(desk.sign(request), Rule.FROZEN, journal)
    assert desk.status().frozen
    freeze_flag.unlink()
    assert isinstance(desk.sign(request), Approved)


def test_an_address_of_another_network_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    wanted = intent(address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    refused(desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), wanted)), Rule.MALFORMED, journal)


def test_an_unknown_network_or_an_evm_one_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    psbt = coins.pay([(RECIPIENT, 100_000)])
    refused(desk.sign(sign_bitcoin(psbt, intent(network="testnet"))), Rule.WRONG_NETWORK, journal)
    refused(desk.sign(sign_bitcoin(psbt, intent(network="ethereum"))), Rule.WRONG_NETWORK, journal)
    mixed = sign_bitcoin(psbt, intent(), intent(network="ethereum"))
    refused(desk.sign(mixed), Rule.WRONG_NETWORK, journal)


@pytest.mark.parametrize(
    "text", ["", "!", base64.b64encode(b"psbt\xff").decode(), base64.b64encode(bytes(300)).decode()]
)
def test_what_is_no_psbt_is_refused(desk: Desk, journal: Journal, text: str) -> None:
    refused(desk.sign(sign_bitcoin(text, intent())), Rule.MALFORMED, journal)


def test_a_psbt_that_asks_for_another_sighash_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    psbt = with_sighash(coins.pay([(RECIPIENT, 100_000)]), 0x03)  # SINGLE: outputs could be added
    refused(desk.sign(sign_bitcoin(psbt, intent())), Rule.FOREIGN_INPUT, journal)


def test_change_of_a_wallet_with_our_fingerprint_but_another_key_is_refused(
    desk: Desk, coins: Coins, journal: Journal
) -> None:
    """The derivation in a PSBT is a claim; the signer derives the script itself."""
    claim = next(pairs for pairs in _maps(coins.pay([(RECIPIENT, 100_000)]))[2:] if pairs)
    psbt = with_output_claim(coins.pay([(RECIPIENT, 100_000)], rest_to=OTHER), OTHER, claim)
    refused(desk.sign(sign_bitcoin(psbt, intent())), Rule.WRONG_OUTPUT, journal)


def test_an_input_with_another_parent_is_refused(desk: Desk, coins: Coins, journal: Journal) -> None:
    """The parent proves the amount, so it must be the one that the input names."""
    psbt = coins.pay([(RECIPIENT, 100_000)])
    rich = coins.receive(9_000_000)
    maps, others = _maps(psbt), _maps(coins.pay([(RECIPIENT, 8_000_000)], only=[rich]))
    maps[1] = [pair for pair in maps[1] if pair[0] != b"\0"] + [pair for pair in others[1] if pair[0] == b"\0"]
    answer = desk.sign(sign_bitcoin(_written(maps), intent()))
    assert isinstance(answer, Denied) and answer.rule in (Rule.FOREIGN_INPUT, Rule.MALFORMED)
    assert not journal.memory.attempts


# --- PSBT surgery: a map is key-value pairs, each with a compact length, ended by a zero byte ---


def _maps(psbt: str) -> list[list[tuple[bytes, bytes]]]:
    data, at, maps = base64.b64decode(psbt), 5, []
    while at < len(data):
        pairs = []
        while data[at]:
            key, at = _bytes(data, at)
            value, at = _bytes(data, at)
            pairs.append((key, value))
        at += 1
        maps.append(pairs)
    return maps


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = data[at], at + 1
    if length == 0xFD:
        length, at = int.from_bytes(data[at : at + 2], "little"), at + 2
    return data[at : at + length], at + length


def _written(maps: list[list[tuple[bytes, bytes]]]) -> str:
    def sized(part: bytes) -> bytes:
        return (bytes([len(part)]) if len(part) < 0xFD else b"\xfd" + len(part).to_bytes(2, "little")) + part

    data = b"psbt\xff"
    for pairs in maps:
        data += b"".join(sized(key) + sized(value) for key, value in pairs) + b"\0"
    return base64.b64encode(data).decode()


def with_sighash(psbt: str, kind: int) -> str:
    maps = _maps(psbt)
    maps[1] = [pair for pair in maps[1] if pair[0] != b"\x03"] + [(b"\x03", kind.to_bytes(4, "little"))]
    return _written(maps)


def with_output_claim(psbt: str, address: str, claim: list[tuple[bytes, bytes]]) -> str:
    """Give the output to `address` the derivation record of a change output."""
    maps = _maps(psbt)
    unsigned = bdk.Psbt(psbt).extract_tx_unchecked_fee_rate()
    outputs = [str(bdk.Address.from_script(o.script_pubkey, bdk.Network.REGTEST)) for o in unsigned.output()]
    maps[len(maps) - len(outputs) + outputs.index(address)] = list(claim)
    return _written(maps)
