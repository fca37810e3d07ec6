"""What reads raw transactions refuses everything that is none, with the one exception that its contract names."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tests.chains.test_rpc import TRANSACTION
from tidegate.chains.bitcoin import build
from tidegate.chains.evm import build as evm

SIGNED = bytes(
    Account.sign_transaction(
        {
            "type": 2, "chainId": 1, "nonce": 300, "to": "0x" + "11" * 20, "value": 1, "gas": 21_000,
            "maxFeePerGas": 1, "maxPriorityFeePerGas": 1,
        },
        "0x" + "22" * 32,
    ).raw_transaction
)  # fmt: skip


@pytest.mark.parametrize("length", range(len(TRANSACTION)))
def test_a_transaction_that_was_cut_is_none(length: int) -> None:
    with pytest.raises(ValueError):
        build.txid_of(TRANSACTION[:length])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_bitcoin_transaction_or_refused(raw: bytes) -> None:
    try:
        assert len(build.txid_of(raw)) == 64
    except ValueError:
        pass


@given(st.binary(max_size=120) | st.integers(0, len(SIGNED)).map(lambda cut: SIGNED[:cut]))
def test_any_bytes_have_a_nonce_or_are_refused(raw: bytes) -> None:
    try:
        assert evm.nonce_of(raw) >= 0
    except ValueError:
        pass


def test_the_nonce_of_signed_bytes_is_read_from_them() -> None:
    assert evm.nonce_of(SIGNED) == 300
