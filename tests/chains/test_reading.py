"""Numbers and fates as nodes spell them, turned into exact integers; coin choice; scan cursors."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tidegate.chains.bitcoin import build, parse
from tidegate.chains.bitcoin.build import Coin, NotEnough, payout_vsize
from tidegate.chains.bitcoin.choose import choose_coins
from tidegate.chains.evm import build as evm
from tidegate.chains.evm import parse as evm_parse
from tidegate.chains.port import Fate, NodeUnavailable


def loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


@given(st.integers(min_value=0, max_value=21 * 10**14))
def test_every_amount_goes_to_the_node_and_back_exactly(units: int) -> None:
    assert parse.sat(loads(build.amount_text(units))) == units


def test_an_amount_that_is_not_exact_is_refused() -> None:
    for text in ("0.000000001", "1e-9"):
        with pytest.raises(NodeUnavailable):
            parse.sat(loads(text))
    with pytest.raises(NodeUnavailable):
        parse.sat(json.loads("0.1"))  # a float: somebody read the answer without Decimal
    assert parse.sat(loads("1e-8")) == 1 and parse.sat(loads("20999999.9769")) == 2_099_999_997_690_000


def coin(units: int, confirmations: int = 1, name: str = "", **more: Any) -> Coin:
    txid = (name or f"{units:x}").rjust(64, "0")
    return Coin(txid, 0, units, "", confirmations, change=True, **more)


def chosen(coins: list[Coin], deliver: int, rate: int = 1, **more: Any) -> list[int]:
    return [c.units for c in choose_coins(coins, deliver_units=deliver, output_kinds=["p2wpkh"], fee_rate=rate, **more)]


def test_the_smallest_coin_that_suffices_is_taken() -> None:
    assert chosen([coin(50_000), coin(20_000), coin(90_000)], 19_000) == [20_000]


def test_else_the_largest_first_and_confirmed_before_change() -> None:
    assert chosen([coin(50_000), coin(20_000), coin(99_000, 0), coin(40_000)], 85_000) == [50_000, 40_000]
    assert chosen([coin(50_000), coin(99_000, 0)], 85_000) == [50_000, 99_000]


def test_the_fee_is_part_of_what_the_coins_must_cover() -> None:
    exact = 10_000 + payout_vsize(1, ["p2wpkh"], change=False) * 7
    assert chosen([coin(exact)], 10_000, 7) == [exact]
    with pytest.raises(NotEnough):
        chosen([coin(exact - 1)], 10_000, 7)


def test_dust_gifts_long_chains_and_reserved_coins_are_left_alone() -> None:
    gift, deep, taken = coin(999), coin(80_000, 0, ancestors=10), coin(70_000)
    with pytest.raises(NotEnough) as none:
        chosen([gift, deep, taken], 10_000, reserved=[taken.outpoint])
    assert none.value.available_units == 0
    with pytest.raises(NotEnough):
        chosen([coin(1_500 + n) for n in range(9)], 500, rate=30)  # each costs 2,040 to spend


def test_pinned_coins_are_always_in_even_when_reserved() -> None:
    first, second = coin(30_000), coin(60_000)
    assert chosen([first, second], 10_000, pinned=[first.outpoint], reserved=[first.outpoint]) == [30_000]
    assert chosen([first, second], 50_000, pinned=[first.outpoint]) == [30_000, 60_000]
    with pytest.raises(NotEnough):
        chosen([second], 10_000, pinned=[first.outpoint])


def test_no_more_than_a_hundred_inputs() -> None:
    many = [coin(10_000, name=f"{n:x}") for n in range(200)]
    with pytest.raises(NotEnough):
        chosen(many, 1_500_000)
    assert len(chosen(many, 900_000)) <= 100


@given(
    st.lists(st.integers(min_value=1, max_value=10**9), max_size=12),
    st.integers(min_value=294, max_value=10**9),
    st.integers(min_value=1, max_value=300),
)
def test_what_is_chosen_always_covers_payment_and_fee(units: list[int], deliver: int, rate: int) -> None:
    coins = [coin(u, name=f"{n:x}") for n, u in enumerate(units)]
    try:
        found = chosen(coins, deliver, rate)
    except NotEnough:
        return
    assert sum(found) >= deliver + rate * payout_vsize(len(found), ["p2wpkh"], change=False)


def test_a_choice_without_change_is_taken_where_there_is_one() -> None:
    exact = 5_000_000 + payout_vsize(2, ["p2wpkh"], change=False) * 50
    pool = [coin(units) for units in (9_000_000, exact - 3_000_000, 3_000_000 + 40, 700_000, 20_000_000)]
    assert sorted(chosen(pool, 5_000_000, 50)) == sorted([exact - 3_000_000, 3_000_040])


def test_in_cheap_hours_small_coins_go_along_and_enough_are_left() -> None:
    pool = [coin(10_000 + n, name=f"{n:x}") for n in range(60)] + [coin(5_000_000)]
    assert len(chosen(pool, 3_000_000, 5, cheap_rate=5)) == 11
    assert chosen(pool, 3_000_000, 6, cheap_rate=5) == [5_000_000]
    assert len(chosen(pool[40:], 3_000_000, 5, cheap_rate=5)) == 1, "a small pool is left as it is"


def test_a_deposit_pays_for_others_only_when_no_usual_reorg_takes_it_away() -> None:
    shallow = Coin("a" * 64, 0, 90_000, "", 1, change=False)
    with pytest.raises(NotEnough):
        chosen([shallow], 10_000, deposit_depth=2)
    assert chosen([replace(shallow, confirmations=2)], 10_000, deposit_depth=2) == [90_000]


MEMPOOL = {"mempoolminfee": Decimal("0.00001"), "minrelaytxfee": Decimal("0.00001")}


def test_a_node_without_estimates_gives_multiples_of_the_floor() -> None:
    silent: dict[str, Any] = {
        key: {"errors": ["Insufficient data"], "blocks": 2} for key in ("economy", "standard", "fast")
    }
    rates = parse.fee_rates(silent, MEMPOOL, floor=1, ceiling=500)
    assert (rates.economy, rates.standard, rates.fast) == (1, 2, 4)


def test_estimates_are_rounded_up_ordered_and_bounded() -> None:
    told = {
        "economy": {"feerate": Decimal("0.00009001")},
        "standard": {"feerate": Decimal("0.00005")},
        "fast": {"feerate": Decimal("0.01")},
    }
    rates = parse.fee_rates(told, MEMPOOL, floor=1, ceiling=500)
    assert (rates.economy, rates.standard, rates.fast) == (10, 10, 500)
    full = {**MEMPOOL, "mempoolminfee": Decimal("0.00030001")}
    assert parse.fee_rates(told, full, floor=1, ceiling=500).economy == 31


def history(rewards: list[list[int]], used: list[float], base: int = 10**9) -> dict[str, Any]:
    return {
        "baseFeePerGas": [hex(base)] * (len(used) + 1),
        "gasUsedRatio": used,
        "reward": [[hex(tip) for tip in row] for row in rewards],
    }


def test_gas_fees_leave_empty_blocks_out_and_hold_floor_and_ceiling() -> None:
    gwei = 10**9
    told = history([[0, 0, 0], [gwei, 2 * gwei, 3 * gwei], [0, 0, 0]], [0.0, 0.5, 0.0], base=5 * gwei)
    fees = evm.gas_fees(told, floor=gwei, ceiling=500 * gwei)
    assert [price.tip for price in (fees.economy, fees.standard, fees.fast)] == [gwei, 2 * gwei, 3 * gwei]
    assert fees.standard.max_fee == 12 * gwei
    capped = evm.gas_fees(told, floor=gwei, ceiling=11 * gwei)
    assert capped.fast.max_fee == 11 * gwei and capped.fast.tip <= capped.fast.max_fee
    empty = evm.gas_fees(history([], [0.0]), floor=gwei, ceiling=500 * gwei)
    assert empty.economy.tip == gwei


def test_a_replacement_is_an_eighth_dearer_rounded_up() -> None:
    assert evm.bumped(evm.GasPrice(1_001, 8)) == evm.GasPrice(1_127, 9)


def test_hash_and_nonce_are_read_from_signed_bytes() -> None:
    account = Account.from_key(bytes(range(1, 33)))
    for nonce in (0, 1, 127, 128, 55_000):
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": 31337,
                "nonce": nonce,
                "to": account.address,
                "value": 1,
                "data": b"x" * 300,
                "gas": 21_000,
                "maxFeePerGas": 1,
                "maxPriorityFeePerGas": 1,
            }
        )
        assert evm.nonce_of(bytes(signed.raw_transaction)) == nonce
        assert evm.hash_of(bytes(signed.raw_transaction)) == "0x" + bytes(signed.hash).hex()
    for junk in (b"", b"\x02", b"\x01\xc0", b"\xf8"):
        with pytest.raises(ValueError):
            evm.nonce_of(junk)


def test_a_cursor_stays_small_and_remembers_deep_enough() -> None:
    kept: list[tuple[int, str]] = []
    for number in range(3_000):
        kept = evm.keep_blocks([*kept, (number, "0x" + f"{number:064x}")], 256)
    numbers = [number for number, _ in kept]
    assert numbers[-16:] == list(range(2_984, 3_000)) and min(numbers) <= 3_000 - 240
    assert len(numbers) < 40
    assert evm_parse.read_cursor(evm_parse.write_cursor(kept)) == kept


def receipt(status: int, logs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "transactionHash": "0xaa",
        "blockHash": "0xbb",
        "blockNumber": "0x10",
        "status": hex(status),
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3b9aca00",
        "logs": logs,
    }


US = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def transfer_log(to: str, units: int, contract: str = TOKEN) -> dict[str, Any]:
    topics = [evm.TRANSFER_TOPIC, evm.padded("0x" + "9" * 40), evm.padded(to)]
    return {"address": contract.lower(), "topics": topics, "data": "0x" + f"{units:064x}"}


def test_a_fee_on_transfer_token_is_credited_with_what_its_log_says() -> None:
    logs = [transfer_log("0x" + "8" * 40, 1), transfer_log(US, 999)]
    mined = receipt(1, logs)
    call = {"to": TOKEN, "value": "0x0", "input": "0x" + evm.transfer_data(US, 1_000).hex(), "hash": "0xaa"}
    (found,) = evm_parse.receipt_arrivals(call, mined, {US}, {TOKEN: "USDT"}, 0x10, "ETH")
    assert (found.units, found.index, found.confirmations) == (999, 1, 1)
    paid = evm_parse.sighting(call, mined, 0x10, TOKEN).paid
    assert paid[US] == 999


def test_a_reverted_transaction_pays_nobody_and_costs_its_fee() -> None:
    mined = receipt(0, [])
    call = {"to": US, "value": "0x5", "input": "0x", "hash": "0xaa"}
    assert evm_parse.receipt_arrivals(call, mined, {US}, {}, 0x20, "ETH") == []
    seen = evm_parse.sighting(call, mined, 0x20, None)
    assert seen.fate is Fate.REVERTED and seen.paid == {} and seen.fee_units == 21_000 * 10**9
    assert seen.confirmations == 17


def test_a_quantity_that_is_none_is_refused() -> None:
    for wrong in (None, 5, "12", 0.5):
        with pytest.raises(NodeUnavailable):
            evm_parse.quantity(wrong)
