"""What the signer signs on an EVM chain: built from the intent alone, at the payout's own nonce, within its bounds."""

from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from tests.signer.world import ACCOUNT, NOW, USDT_CONTRACT, ether, settings, sign_evm, usdt, yes
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Answer, Approved, Denied, Rule


def refused(answer: Answer, rule: Rule, journal: Journal) -> None:
    assert isinstance(answer, Denied), answer
    assert answer.rule == rule
    assert not journal.memory.attempts, "something was signed"


def fields(raw: bytes) -> dict[str, object]:
    return dict(TypedTransaction.from_bytes(HexBytes(raw)).as_dict())


def test_a_token_payout_is_a_transfer_of_exactly_the_intent(desk: Desk, seed: Seed) -> None:
    wanted = usdt()
    answer = desk.sign(sign_evm(wanted, nonce=7))
    assert isinstance(answer, Approved)
    signed = fields(answer.raw)
    assert signed["nonce"] == 7 and signed["chainId"] == 31337 and signed["value"] == 0
    assert HexBytes(signed["to"]) == HexBytes(USDT_CONTRACT)  # type: ignore[arg-type]
    data = bytes(signed["data"])  # type: ignore[call-overload]
    assert data.hex() == "a9059cbb" + ACCOUNT[2:].lower().rjust(64, "0") + f"{25_000_000:064x}"
    assert Account.recover_transaction(answer.raw) == seed.evm_address()
    assert answer.fee_units == 80_000 * 20 * 10**9


def test_an_ether_payout_moves_its_value(desk: Desk) -> None:
    answer = desk.sign(sign_evm(ether()))
    assert isinstance(answer, Approved)
    signed = fields(answer.raw)
    assert HexBytes(signed["to"]) == HexBytes(ACCOUNT) and signed["value"] == 10**17  # type: ignore[arg-type]


def test_the_same_request_again_gives_identical_bytes(desk: Desk) -> None:
    request = sign_evm(usdt())
    first = desk.sign(request)
    assert isinstance(first, Approved)
    assert desk.sign(request) == first


def test_another_nonce_for_a_signed_payout_is_refused(desk: Desk) -> None:
    wanted = usdt()
    assert isinstance(desk.sign(sign_evm(wanted, nonce=3)), Approved)
    answer = desk.sign(sign_evm(wanted, nonce=4))
    assert isinstance(answer, Denied) and answer.rule == Rule.SECOND_TRANSACTION


def test_a_nonce_belongs_to_one_payout(desk: Desk) -> None:
    assert isinstance(desk.sign(sign_evm(usdt(), nonce=3)), Approved)
    answer = desk.sign(sign_evm(ether(), nonce=3))
    assert isinstance(answer, Denied) and answer.rule == Rule.NONCE_USED


def test_a_changed_intent_needs_its_own_authorisation(desk: Desk, journal: Journal) -> None:
    wanted = usdt()
    changed = replace(wanted, deliver_units=wanted.deliver_units + 1)
    refused(desk.sign(sign_evm(changed, authorisation=yes(wanted))), Rule.DIGEST_MISMATCH, journal)


def test_another_chain_id_is_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(), chain_id=1)), Rule.WRONG_NETWORK, journal)


def test_an_asset_without_a_contract_is_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(asset="USDC"))), Rule.WRONG_TOKEN, journal)
    refused(desk.sign(sign_evm(usdt(asset="BTC"))), Rule.WRONG_TOKEN, journal)


def test_an_asset_without_a_cap_is_never_paid(seed: Seed, journal: Journal, tmp_path: Path) -> None:
    configured = settings(tmp_path, max_payout={"BTC": "1"})
    desk = Desk(open_vaults(seed, configured), policies_of(configured), journal, tmp_path / "frozen", lambda: NOW)
    refused(desk.sign(sign_evm(usdt())), Rule.ABOVE_CAP, journal)


def test_above_the_largest_payout_is_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(deliver_units=10_000_000_001))), Rule.ABOVE_CAP, journal)
    assert isinstance(desk.sign(sign_evm(usdt(deliver_units=10_000_000_000))), Approved)


def test_a_fee_above_the_intent_or_the_configured_rate_is_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(max_network_fee_units=1))), Rule.FEE_TOO_HIGH, journal)
    dear = usdt(max_network_fee_units=10**18)
    refused(desk.sign(sign_evm(dear, max_fee_per_gas=201 * 10**9)), Rule.FEE_TOO_HIGH, journal)


def test_more_gas_than_any_payment_needs_is_refused(desk: Desk, journal: Journal) -> None:
    """A recipient's code could burn it, and the house would pay."""
    dear = usdt(max_network_fee_units=10**18)
    refused(desk.sign(sign_evm(dear, gas=500_001, max_fee_per_gas=10**9)), Rule.FEE_TOO_HIGH, journal)


def test_gas_fields_that_contradict_each_other_are_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(), gas=20_999)), Rule.MALFORMED, journal)
    refused(desk.sign(sign_evm(usdt(), max_priority_fee_per_gas=21 * 10**9)), Rule.MALFORMED, journal)


def test_zero_our_own_account_and_token_contracts_are_no_recipients(desk: Desk, seed: Seed, journal: Journal) -> None:
    for address in ("0x" + "0" * 40, seed.evm_address(), USDT_CONTRACT):
        refused(desk.sign(sign_evm(usdt(address=address))), Rule.WRONG_OUTPUT, journal)


@pytest.mark.parametrize("address", [ACCOUNT.lower(), "0x1234", "", "vitalik.eth"])
def test_an_address_not_spelled_by_eip55_is_refused(desk: Desk, journal: Journal, address: str) -> None:
    refused(desk.sign(sign_evm(usdt(address=address))), Rule.MALFORMED, journal)


def test_a_payout_of_nothing_is_refused(desk: Desk, journal: Journal) -> None:
    refused(desk.sign(sign_evm(usdt(deliver_units=0))), Rule.WRONG_AMOUNT, journal)
