"""The house's own moves: they name no recipient, cost little, and never take the place of a payout."""

import dataclasses
from pathlib import Path
from typing import Any

import bdkpython as bdk
import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from tests.signer.test_replacements import PAID, approved, denied
from tests.signer.world import (
    ACCOUNT,
    NOW,
    OTHER,
    RECIPIENT,
    THERE,
    USDT_CONTRACT,
    Coins,
    intent,
    settings,
    sign_bitcoin,
    sign_evm,
    there,
    usdt,
    venue_addresses,
)
from tidegate.signer import care
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.home import init, open_journal, open_seed
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import (
    Rule,
    SignCancel,
    SignColdBitcoin,
    SignColdEvm,
    SignConsolidation,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
)

GAS: dict[str, Any] = {
    "nonce": 0,
    "gas": 80_000,
    "max_fee_per_gas": 20 * 10**9,
    "max_priority_fee_per_gas": 10**9,
    "chain_id": 31337,
}
PLAIN = GAS | {"gas": 21_000}
DEARER: dict[str, Any] = {"max_fee_per_gas": 40 * 10**9, "max_priority_fee_per_gas": 2 * 10**9}
ETHER = 10**18
COLD = {"bitcoin": OTHER, "ethereum": ACCOUNT}


@pytest.fixture
def chilled(seed: Seed, journal: Journal, tmp_path: Path) -> Desk:
    """A desk whose configuration names cold addresses, and small bounds."""
    configured = settings(tmp_path, cold_addresses=COLD, max_moves_hourly={"ETH": "0.06", "BTC": "0.001"})
    return Desk(open_vaults(seed, configured), policies_of(configured), journal, tmp_path / "frozen", lambda: NOW)


def fields(raw: bytes) -> dict[str, Any]:
    return dict(TypedTransaction.from_bytes(HexBytes(raw)).as_dict())


def together(coins: Coins, places: list[bdk.OutPoint], fee: int) -> str:
    """A PSBT that makes one coin of these, at our own change."""
    script = coins.wallet.reveal_next_address(bdk.KeychainKind.INTERNAL).address.script_pubkey()
    builder = bdk.TxBuilder().manually_selected_only().drain_to(script).fee_absolute(bdk.Amount.from_sat(fee))
    for place in places:
        builder = builder.add_utxo(place)
    return str(builder.finish(coins.wallet).serialize())


# --- Bitcoin -------------------------------------------------------------------------------------------------------


def test_many_coins_of_ours_become_one_at_our_own_change(desk: Desk, coins: Coins) -> None:
    places = [coins.receive(50_000, index) for index in range(5)]
    request = SignConsolidation("bitcoin", "m1", together(coins, places, 800))
    signed = approved(desk.sign(request))
    assert signed.fee_units == 800 and len(bdk.Transaction(signed.raw).output()) == 1
    assert desk.sign(request) == signed, "the same request again gives identical bytes"


def test_a_consolidation_pays_nobody(desk: Desk, coins: Coins) -> None:
    place = coins.receive(50_000)
    stolen = coins.pay([(RECIPIENT, 49_500)], only=[place], fee=500)
    denied(desk.sign(SignConsolidation("bitcoin", "m1", stolen)), Rule.WRONG_OUTPUT)
    divided = coins.pay([(RECIPIENT, 10_000)], only=[coins.receive(90_000)], fee=500)
    denied(desk.sign(SignConsolidation("bitcoin", "m2", divided)), Rule.WRONG_OUTPUT)


def test_a_consolidation_does_not_pay_a_deposit_address(desk: Desk, coins: Coins, seed: Seed) -> None:
    """It would look like a customer's deposit and be credited to him."""
    address = str(seed.descriptors("regtest")[0].derive_address(7, bdk.Network.REGTEST))
    moved = coins.pay([(address, 49_500)], only=[coins.receive(50_000)], fee=500)
    denied(desk.sign(SignConsolidation("bitcoin", "m1", moved)), Rule.WRONG_OUTPUT)


def test_a_consolidation_costs_a_small_part_of_what_it_moves(desk: Desk, coins: Coins) -> None:
    places = [coins.receive(5_000), coins.receive(5_000)]
    denied(desk.sign(SignConsolidation("bitcoin", "m1", together(coins, places, 2_001))), Rule.FEE_TOO_HIGH)
    approved(desk.sign(SignConsolidation("bitcoin", "m1", together(coins, places, 2_000))))


def test_a_hundred_coins_are_moved_at_once_and_no_more(desk: Desk, coins: Coins) -> None:
    places = [coins.receive(10_000, index) for index in range(101)]
    denied(desk.sign(SignConsolidation("bitcoin", "m1", together(coins, places, 7_000))), Rule.MALFORMED)
    approved(desk.sign(SignConsolidation("bitcoin", "m1", together(coins, places[:100], 7_000))))


def test_a_consolidation_is_replaced_by_a_dearer_one_that_shares_a_coin(desk: Desk, coins: Coins) -> None:
    one, two, three = (coins.receive(50_000, index) for index in range(3))
    first = approved(desk.sign(SignConsolidation("bitcoin", "m1", together(coins, [one, two], 300))))
    again = SignConsolidation("bitcoin", "m1", together(coins, [three], 900), first.txid)
    denied(desk.sign(again), Rule.SECOND_TRANSACTION)
    shared = SignConsolidation("bitcoin", "m1", together(coins, [one, two, three], 900), first.txid)
    approved(desk.sign(shared))


def test_cold_storage_gets_exactly_what_was_asked_and_the_rest_comes_back(chilled: Desk, coins: Coins) -> None:
    place = coins.receive(800_000)
    psbt = coins.pay([(OTHER, 500_000)], only=[place], fee=400)
    denied(chilled.sign(SignColdBitcoin("bitcoin", "m1", 500_001, psbt)), Rule.WRONG_AMOUNT)
    approved(chilled.sign(SignColdBitcoin("bitcoin", "m1", 500_000, psbt)))
    foreign = coins.pay([(RECIPIENT, 500_000)], only=[coins.receive(800_000)], fee=400)
    denied(chilled.sign(SignColdBitcoin("bitcoin", "m2", 500_000, foreign)), Rule.WRONG_OUTPUT)
    twice = coins.pay([(OTHER, 300_000), (OTHER, 300_000)], only=[coins.receive(800_000)], fee=400)
    denied(chilled.sign(SignColdBitcoin("bitcoin", "m3", 300_000, twice)), Rule.WRONG_AMOUNT)


def test_without_a_cold_address_nothing_goes_to_cold_storage(desk: Desk, coins: Coins) -> None:
    psbt = coins.pay([(OTHER, 500_000)], only=[coins.receive(800_000)], fee=400)
    denied(desk.sign(SignColdBitcoin("bitcoin", "m1", 500_000, psbt)), Rule.NO_COLD_ADDRESS)
    denied(desk.sign(SignColdEvm("ethereum", "m2", "USDT", 5, **GAS)), Rule.NO_COLD_ADDRESS)
    denied(desk.sign(SignSweep("ethereum", "m3", 1, "USDT", 5, "cold", **GAS)), Rule.NO_COLD_ADDRESS)


# --- EVM -----------------------------------------------------------------------------------------------------------


def test_a_token_sweep_is_signed_by_the_deposit_address_and_pays_the_hot_one(desk: Desk, seed: Seed) -> None:
    signed = approved(desk.sign(SignSweep("ethereum", "m1", 7, "USDT", 25_000_000, "hot", **GAS)))
    assert Account.recover_transaction(signed.raw) == Account.from_key(seed.evm_deposit_key(7)).address
    data = bytes(fields(signed.raw)["data"])
    assert data.hex() == "a9059cbb" + seed.evm_address()[2:].lower().rjust(64, "0") + f"{25_000_000:064x}"
    assert HexBytes(fields(signed.raw)["to"]) == HexBytes(USDT_CONTRACT)


def test_a_sweep_above_the_cap_may_go_to_the_cold_address_of_the_signers_own_settings(chilled: Desk) -> None:
    signed = approved(chilled.sign(SignSweep("ethereum", "m1", 7, "ETH", ETHER, "cold", **PLAIN)))
    assert HexBytes(fields(signed.raw)["to"]) == HexBytes(ACCOUNT) and fields(signed.raw)["value"] == ETHER
    denied(chilled.sign(SignSweep("ethereum", "m2", 8, "ETH", ETHER, ACCOUNT, **PLAIN)), Rule.WRONG_OUTPUT)


def test_a_deposit_addresses_nonce_belongs_to_one_move(desk: Desk) -> None:
    first = approved(desk.sign(SignSweep("ethereum", "m1", 7, "USDT", 25_000_000, "hot", **GAS)))
    denied(desk.sign(SignSweep("ethereum", "m2", 7, "USDT", 5_000_000, "hot", **GAS)), Rule.NONCE_USED)
    approved(desk.sign(SignSweep("ethereum", "m3", 8, "USDT", 5_000_000, "hot", **GAS)))
    approved(desk.sign(SignSweep("ethereum", "m1", 7, "USDT", 25_000_000, "hot", **GAS | DEARER, replaces=first.txid)))


def test_the_same_sweep_of_two_addresses_is_signed_with_each_ones_own_key(desk: Desk, seed: Seed) -> None:
    for index in (7, 8):
        signed = approved(desk.sign(SignSweep("ethereum", f"m{index}", index, "USDT", 5_000_000, "hot", **GAS)))
        assert Account.recover_transaction(signed.raw) == Account.from_key(seed.evm_deposit_key(index)).address


def test_an_ether_sweep_costs_at_most_a_share_of_what_it_moves(desk: Desk) -> None:
    cost = 21_000 * 20 * 10**9
    denied(desk.sign(SignSweep("ethereum", "m1", 7, "ETH", 5 * cost - 1, "hot", **PLAIN)), Rule.FEE_TOO_HIGH)
    approved(desk.sign(SignSweep("ethereum", "m1", 7, "ETH", 5 * cost, "hot", **PLAIN)))


def test_a_top_up_pays_a_deposit_address_of_ours_within_its_cap(desk: Desk, seed: Seed) -> None:
    denied(desk.sign(SignTopUp("ethereum", "m1", 7, 2 * 10**16 + 1, **PLAIN)), Rule.ABOVE_CAP)
    denied(desk.sign(SignTopUp("ethereum", "m1", 7, 10**15, **GAS)), Rule.MALFORMED)
    signed = approved(desk.sign(SignTopUp("ethereum", "m1", 7, 10**15, **PLAIN)))
    assert HexBytes(fields(signed.raw)["to"]) == HexBytes(Account.from_key(seed.evm_deposit_key(7)).address)
    assert Account.recover_transaction(signed.raw) == seed.evm_address()


def test_top_ups_and_the_fees_of_moves_have_a_total_of_their_own(chilled: Desk) -> None:
    for number in range(2):
        approved(chilled.sign(SignTopUp("ethereum", f"m{number}", 7, 2 * 10**16, **PLAIN | {"nonce": number})))
    third = SignTopUp("ethereum", "m3", 7, 2 * 10**16, **PLAIN | {"nonce": 3})
    denied(chilled.sign(third), Rule.OVER_HOURLY)
    approved(chilled.sign(sign_evm(usdt(), nonce=3)))


def test_a_top_ups_nonce_and_a_payouts_exclude_each_other(desk: Desk) -> None:
    approved(desk.sign(sign_evm(usdt(), nonce=0)))
    denied(desk.sign(SignTopUp("ethereum", "m1", 7, 10**15, **PLAIN)), Rule.NONCE_USED)
    approved(desk.sign(SignTopUp("ethereum", "m2", 7, 10**15, **PLAIN | {"nonce": 1})))
    denied(desk.sign(sign_evm(usdt(), nonce=1)), Rule.NONCE_USED)


def test_the_hot_address_pays_the_cold_one_and_no_other(chilled: Desk) -> None:
    signed = approved(chilled.sign(SignColdEvm("ethereum", "m1", "USDT", 10**12, **GAS)))
    assert bytes(fields(signed.raw)["data"])[16:36] == HexBytes(ACCOUNT)
    denied(chilled.sign(SignColdEvm("ethereum", "m2", "USDT", 0, **GAS | {"nonce": 1})), Rule.WRONG_AMOUNT)
    denied(chilled.sign(SignColdEvm("ethereum", "m3", "USDC", 5, **GAS | {"nonce": 2})), Rule.WRONG_TOKEN)


# --- to an exchange ------------------------------------------------------------------------------------------------


@pytest.fixture
def trading(seed: Seed, journal: Journal, tmp_path: Path) -> Desk:
    """A desk whose configuration names our addresses at one exchange, and how much goes there at once."""
    configured = settings(tmp_path, venue_addresses=venue_addresses(), max_to_venue={"BTC": "0.005", "USDT": "100"})
    return Desk(open_vaults(seed, configured), policies_of(configured), journal, tmp_path / "frozen", lambda: NOW)


def test_an_exchange_gets_what_was_asked_at_our_own_address_there(trading: Desk, coins: Coins) -> None:
    psbt = coins.pay([(there(), 500_000)], only=[coins.receive(800_000)], fee=400)
    denied(trading.sign(SignToVenueBitcoin("bitcoin", "m1", "kraken", 499_999, psbt)), Rule.WRONG_AMOUNT)
    approved(trading.sign(SignToVenueBitcoin("bitcoin", "m1", "kraken", 500_000, psbt)))
    elsewhere = coins.pay([(RECIPIENT, 500_000)], only=[coins.receive(800_000)], fee=400)
    denied(trading.sign(SignToVenueBitcoin("bitcoin", "m2", "kraken", 500_000, elsewhere)), Rule.WRONG_OUTPUT)
    signed = approved(trading.sign(SignToVenueEvm("ethereum", "m3", "kraken", "USDT", 10**8, **GAS)))
    assert bytes(fields(signed.raw)["data"])[16:36] == HexBytes(THERE)


def test_no_more_goes_to_an_exchange_at_once_than_the_signers_own_settings_say(trading: Desk, coins: Coins) -> None:
    psbt = coins.pay([(there(), 500_001)], only=[coins.receive(800_000)], fee=400)
    denied(trading.sign(SignToVenueBitcoin("bitcoin", "m1", "kraken", 500_001, psbt)), Rule.ABOVE_CAP)
    denied(trading.sign(SignToVenueEvm("ethereum", "m2", "kraken", "USDT", 10**8 + 1, **GAS)), Rule.ABOVE_CAP)
    denied(trading.sign(SignToVenueEvm("ethereum", "m3", "kraken", "USDT", 0, **GAS)), Rule.WRONG_AMOUNT)


def test_an_exchange_or_an_asset_without_an_address_gets_nothing(trading: Desk, coins: Coins) -> None:
    psbt = coins.pay([(there(), 500_000)], only=[coins.receive(800_000)], fee=400)
    denied(trading.sign(SignToVenueBitcoin("bitcoin", "m1", "binance", 500_000, psbt)), Rule.NO_VENUE_ADDRESS)
    denied(trading.sign(SignToVenueEvm("ethereum", "m2", "kraken", "ETH", 5, **PLAIN)), Rule.NO_VENUE_ADDRESS)
    denied(trading.sign(SignColdBitcoin("bitcoin", "m3", 500_000, psbt)), Rule.NO_COLD_ADDRESS)


# --- cancel and release --------------------------------------------------------------------------------------------


def test_a_payouts_nonce_is_cancelled_by_a_dearer_payment_of_nothing_to_ourselves(desk: Desk, seed: Seed) -> None:
    wanted = usdt()
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    cheap = SignCancel("ethereum", first.txid, **PLAIN | {"nonce": 3})
    denied(desk.sign(cheap), Rule.REPLACEMENT_TOO_CHEAP)
    denied(desk.sign(dataclasses.replace(cheap, nonce=4, **DEARER)), Rule.SECOND_TRANSACTION)
    cancel = approved(desk.sign(dataclasses.replace(cheap, **DEARER)))
    told = fields(cancel.raw)
    assert HexBytes(told["to"]) == HexBytes(seed.evm_address()) and told["value"] == 0 and told["nonce"] == 3
    denied(desk.sign(sign_evm(wanted, nonce=4, replaces=cancel.txid, **DEARER)), Rule.SECOND_TRANSACTION)


def test_nothing_is_cancelled_that_was_never_signed(desk: Desk) -> None:
    denied(desk.sign(SignCancel("ethereum", "0x" + "ab" * 32, **PLAIN)), Rule.WRONG_REPLACEMENT)


def test_a_cancellation_stays_within_what_the_payout_allows(desk: Desk) -> None:
    wanted = usdt(max_network_fee_units=80_000 * 20 * 10**9)
    first = approved(desk.sign(sign_evm(wanted, nonce=3)))
    dear = {"max_fee_per_gas": 80 * 10**9, "max_priority_fee_per_gas": 80 * 10**9}
    denied(desk.sign(SignCancel("ethereum", first.txid, **PLAIN | {"nonce": 3} | dear)), Rule.FEE_TOO_HIGH)


def test_a_payout_cannot_take_the_name_of_a_move(desk: Desk) -> None:
    denied(desk.sign(sign_evm(usdt(payout_id="move/m1"))), Rule.MALFORMED)


def test_a_released_payout_is_signed_once_more_with_other_coins(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    init(configured)
    seed = open_seed(configured)
    coins, wanted = Coins(seed), intent()
    one, two, three = (coins.receive(300_000, index) for index in range(3))

    def ask(place: bdk.OutPoint) -> Any:
        journal = open_journal(configured)
        vaults, flag = open_vaults(seed, configured), tmp_path / "frozen"
        try:
            desk = Desk(vaults, policies_of(configured), journal, flag, lambda: "2099-01-01T00:00:00Z")
            return desk.sign(sign_bitcoin(coins.pay(PAID, only=[place]), wanted))
        finally:
            journal.close()

    first = approved(ask(one))
    denied(ask(two), Rule.SECOND_TRANSACTION)
    with pytest.raises(SystemExit, match=first.txid):
        care.release(configured, wanted.payout_id, [])
    with pytest.raises(SystemExit, match=first.txid):
        care.release(configured, wanted.payout_id, ["00" * 32])
    assert "once more" in care.release(configured, wanted.payout_id, [first.txid])
    approved(ask(two))
    assert denied(ask(three), Rule.SECOND_TRANSACTION).signed
