"""EIP-55, 155, 1559 and 2930: what our address spelling, our transaction reader and the library that signs make of them."""

from typing import Any

import pytest
from eth_account import Account
from eth_account._utils.legacy_transactions import serializable_unsigned_transaction_from_dict
from eth_utils.address import is_checksum_address

from tests.vectors.conftest import Counted, vectors
from tidegate.chains.evm.build import hash_of, judge, nonce_of
from tidegate.chains.port import Address, AddressProblem
from tidegate.signer.evm import NotPlain, decode


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_each_eip55_spelling_is_the_canonical_one_and_any_change_of_case_is_not(counted: Counted) -> None:
    for address in vectors("eip55.json")["addresses"]:
        assert judge(address.lower(), ()) in (
            Address(address, "account", ("no_checksum",)),
            Address(address, "account"),
        )
        assert judge(address, ()) == Address(address, "account")
        assert is_checksum_address(address), "the signer's own test"
        one_case = address[2:] in (address[2:].lower(), address[2:].upper())
        for place, letter in enumerate(address):
            if place > 1 and letter.isalpha() and not one_case:
                assert judge(address[:place] + letter.swapcase() + address[place + 1 :], ()) == AddressProblem.INVALID
        counted("EIP-55, addresses", 1)


def test_eip155_the_example_is_signed_bit_by_bit(counted: Counted) -> None:
    """We send no such transaction; the library that signs ours is held to the example all the same."""
    example = vectors("eip155.json")["example"]
    transaction = {**example["tx"], "to": _bytes(example["tx"]["to"])}
    unsigned = serializable_unsigned_transaction_from_dict(transaction)
    assert unsigned.hash().hex() == example["signing_hash"][2:]
    signed = Account.sign_transaction(transaction, example["key"])
    assert bytes(signed.raw_transaction) == _bytes(example["signed"]) and signed.v == 37
    with pytest.raises(NotPlain):
        decode(_bytes(example["signing_data"]))
    counted("EIP-155, the example", 1)


def test_eip155_legacy_transactions_are_signed_and_hashed_and_never_taken_for_ours(counted: Counted) -> None:
    for vector in vectors("eip155-ethers.json.gz")["vectors"]:
        raw = _bytes(vector["signed"])
        transaction = _legacy(vector)
        assert bytes(Account.sign_transaction(transaction, vector["key"]).raw_transaction) == raw
        assert hash_of(raw).startswith("0x")
        with pytest.raises(ValueError):
            nonce_of(raw)
        counted("EIP-155, legacy transactions of ethers", 1)


def _number(text: str | int | None) -> int:
    if isinstance(text, int):
        return text
    return int(text, 16) if text and text != "0x" else 0


def _legacy(vector: dict[str, Any]) -> dict[str, Any]:
    tx = vector["tx"]
    fields: dict[str, Any] = {"nonce": _number(tx["nonce"]), "gasPrice": _number(tx["gasPrice"])}
    fields |= {"gas": _number(tx["gasLimit"]), "value": _number(tx["value"]), "data": tx["data"] or "0x"}
    return fields | {"to": _bytes(tx["to"] or "0x"), "chainId": vector["chain_id"]}


def _typed(tx: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": tx["type"],
        "chainId": _number(tx.get("chainId")),
        "nonce": _number(tx.get("nonce")),
    }
    fields |= {"gas": _number(tx.get("gasLimit")), "value": _number(tx.get("value")), "data": tx.get("data") or "0x"}
    fields["to"] = _bytes(tx.get("to") or "0x")
    fields["accessList"] = tx.get("accessList") or []
    for name in ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"):
        if (tx["type"] == 2 and name != "gasPrice") or (tx["type"] == 1 and name == "gasPrice"):
            fields[name] = _number(tx.get(name))
    return fields


def test_eip1559_and_eip2930_transactions_are_read_signed_and_hashed_as_the_vectors_say(counted: Counted) -> None:
    """The signer reads a type-2 payment and refuses every other shape: type 1, access lists, calls, creations."""
    plain = 0
    for vector in vectors("eip2930-eip1559-ethers.json.gz")["vectors"]:
        tx, raw, unsigned = vector["tx"], _bytes(vector["signed"]), _bytes(vector["unsigned"])
        name = {1: "EIP-2930", 2: "EIP-1559"}[tx["type"]]
        signed = Account.sign_transaction(_typed(tx), vector["key"])
        assert bytes(signed.raw_transaction) == raw, vector["name"]
        assert hash_of(raw) == "0x" + bytes(signed.hash).hex()
        if tx["type"] == 2:
            assert nonce_of(raw) == _number(tx.get("nonce"))
        else:
            with pytest.raises(ValueError):
                nonce_of(raw)
        if tx["type"] == 2 and tx.get("to") and not tx.get("accessList") and _bytes(tx.get("data") or "0x") == b"":
            spend = decode(unsigned)
            assert (spend.chain_id, spend.nonce) == (_number(tx.get("chainId")), _number(tx.get("nonce")))
            assert (spend.units, spend.contract) == (_number(tx.get("value")), None)
            assert _bytes(spend.recipient) == _bytes(tx["to"])
            plain += 1
        else:
            with pytest.raises(NotPlain):
                decode(unsigned)
        counted(f"{name}, transactions of ethers", 1)
    counted("EIP-1559, of them plain payments that the signer reads", plain)
    assert plain
