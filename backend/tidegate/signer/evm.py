"""EVM in the signer: the transaction is built here from the request; its bytes are decoded and judged like foreign ones."""

from functools import lru_cache
from typing import Any, Protocol

import rlp  # type: ignore[import-untyped]  # ships no types
from eth_account import Account
from eth_utils.address import is_checksum_address, to_checksum_address

from tidegate.signer.keys import HARDENED, Seed
from tidegate.signer.rules import EvmSpend
from tidegate.signing.messages import Approved

_TYPE = b"\x02"  # EIP-1559
_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_WORD = 32
_NONCES_END = 2**64 - 1  # EIP-2681


class Gas(Protocol):
    """What a request says of its own price and place: every EVM request has these."""

    @property
    def nonce(self) -> int: ...
    @property
    def gas(self) -> int: ...
    @property
    def max_fee_per_gas(self) -> int: ...
    @property
    def max_priority_fee_per_gas(self) -> int: ...
    @property
    def chain_id(self) -> int: ...


class NotPlain(Exception):
    """Bytes of another kind of transaction than a payment of ether or of one token."""


class EvmVault:
    """The one account that pays on every EVM network, and the accounts of the deposit addresses."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._account = Account.from_key(seed.evm_key())
        self.address = str(self._account.address)

    def account_of(self, index: int) -> Any:
        """The keys of deposit address `index`. Refuses (NotPlain) a number that no address has."""
        if not 0 <= index < HARDENED:
            raise NotPlain("a deposit address that nobody can have")
        return _account(self._seed, index)

    def build(self, gas: Gas, *, recipient: str, contract: str | None, units: int) -> bytes:
        """The unsigned bytes of the EIP-1559 transaction that pays `units` like that. Refuses with NotPlain."""
        if not is_checksum_address(recipient):
            raise NotPlain("not an account's address by EIP-55")
        if gas.nonce >= _NONCES_END:
            raise NotPlain("a nonce that no account can reach")
        fields = [
            gas.chain_id,
            gas.nonce,
            gas.max_priority_fee_per_gas,
            gas.max_fee_per_gas,
            gas.gas,
            bytes.fromhex((contract or recipient)[2:]),
            units if contract is None else 0,
            b"" if contract is None else _transfer(recipient, units),
            [],
        ]
        return _TYPE + bytes(rlp.encode(fields))

    def sign(self, payload: bytes, spend: EvmSpend, index: int | None = None) -> Approved:
        """Sign the bytes that were judged (RFC 6979: the same bytes always get the same signature), with the hot
        address's key or that of deposit address `index`."""
        account = self._account if index is None else self.account_of(index)
        chain_id, nonce, tip, most, gas, to, value, data, _ = rlp.decode(payload[1:])
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": _number(chain_id),
                "nonce": _number(nonce),
                "maxPriorityFeePerGas": _number(tip),
                "maxFeePerGas": _number(most),
                "gas": _number(gas),
                "to": to,
                "value": _number(value),
                "data": data,
                "accessList": [],
            }
        )
        raw = bytes(signed.raw_transaction)
        if _TYPE + bytes(rlp.encode(rlp.decode(raw[1:])[:9])) != payload:
            raise RuntimeError("the signed transaction is not the one that was judged")
        return Approved(raw, "0x" + bytes(signed.hash).hex(), spend.fee_units)


@lru_cache(maxsize=64)
def _account(seed: Seed, index: int) -> Any:
    return Account.from_key(seed.evm_deposit_key(index))


def decode(payload: bytes) -> EvmSpend:
    """What unsigned EIP-1559 bytes do. Refuses (NotPlain) all but a plain payment in its one canonical spelling."""
    if payload[:1] != _TYPE:
        raise NotPlain("not an EIP-1559 transaction")
    try:
        fields = rlp.decode(payload[1:], strict=True)
        chain_id, nonce, tip, most, gas, to, value, data, access = fields
    except (rlp.DecodingError, TypeError, ValueError) as error:
        raise NotPlain("not an EIP-1559 transaction") from error
    numbers = [chain_id, nonce, tip, most, gas, value]
    if any(not isinstance(part, bytes) for part in (*numbers, to, data)) or len(to) != 20 or access:
        raise NotPlain("a contract's creation, or an access list")
    if any(part[:1] == b"\0" for part in numbers):
        raise NotPlain("a number with a zero in front")
    contract, recipient, units = None, to, _number(value)
    if data:
        word, amount = data[4 : 4 + _WORD], data[4 + _WORD :]
        if data[:4] != _TRANSFER or len(amount) != _WORD or any(word[:12]) or units:
            raise NotPlain("a call that is no plain transfer")
        contract, recipient, units = str(to_checksum_address(to)), word[12:], _number(amount)
    return EvmSpend(
        chain_id=_number(chain_id),
        nonce=_number(nonce),
        max_priority_fee_per_gas=_number(tip),
        max_fee_per_gas=_number(most),
        gas=_number(gas),
        contract=contract,
        recipient=str(to_checksum_address(recipient)),
        units=units,
    )


def _number(data: Any) -> int:
    return int.from_bytes(data, "big")


def _transfer(address: str, units: int) -> bytes:
    return _TRANSFER + int(address, 16).to_bytes(_WORD, "big") + units.to_bytes(_WORD, "big")
