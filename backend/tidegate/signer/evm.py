"""EVM in the signer: the transaction is built here from the intent, so there are no foreign bytes to judge."""

import hashlib
from typing import Any

from eth_account import Account
from eth_utils.address import is_checksum_address

from tidegate.signer.keys import Seed
from tidegate.signer.rules import Policy
from tidegate.signing.frames import canonical
from tidegate.signing.messages import Approved, SignEvm

ZERO = "0x" + "0" * 40
_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)


class EvmVault:
    """The one account that pays on every EVM network."""

    def __init__(self, seed: Seed) -> None:
        self._account = Account.from_key(seed.evm_key())
        self.address = str(self._account.address)

    def build(self, request: SignEvm, policy: Policy) -> dict[str, Any] | None:
        """The EIP-1559 transaction that pays the intent; None when its address is not spelled by EIP-55."""
        intent = request.intent
        if not is_checksum_address(intent.address):
            return None
        contract = policy.contracts.get(intent.asset)
        data = b"" if contract is None else _transfer(intent.address, intent.deliver_units)
        return {
            "type": 2,
            "chainId": policy.chain_id,
            "nonce": request.nonce,
            "to": intent.address if contract is None else contract,
            "value": intent.deliver_units if contract is None else 0,
            "data": "0x" + data.hex(),
            "gas": request.gas,
            "maxFeePerGas": request.max_fee_per_gas,
            "maxPriorityFeePerGas": request.max_priority_fee_per_gas,
            "accessList": [],
        }

    def sign(self, transaction: dict[str, Any]) -> Approved:
        """Sign it (RFC 6979: the same transaction always gives the same bytes)."""
        signed = self._account.sign_transaction(transaction)
        fee = int(transaction["gas"]) * int(transaction["maxFeePerGas"])
        return Approved(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex(), fee)


def unsigned_digest(transaction: dict[str, Any]) -> str:
    """Names a transaction before it is signed."""
    return hashlib.sha256(canonical(transaction)).hexdigest()


def _transfer(address: str, units: int) -> bytes:
    return _TRANSFER + int(address, 16).to_bytes(32, "big") + units.to_bytes(32, "big")
