"""What we say to an EVM chain: addresses, derivation, calldata, gas fees. Pure; amounts are integer wei or base units."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from statistics import median_low
from typing import Any

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tidegate.chains.families import GasFees, GasPrice, GasTerms
from tidegate.chains.port import Address, AddressProblem
from tidegate.chains.recognise import is_bitcoin_address, is_evm_address

GWEI = 10**9
GAS_ETHER = 21_000
GAS_TOKEN = 80_000
"""What a transfer to a fresh holder of a USDT-like token needs at most, with margin (chains.md 3.3), for estimates."""

ZERO = "0x" + "0" * 40
BURN = {"0x000000000000000000000000000000000000dead", "0xdead000000000000000042069420694206942069"}
PRECOMPILES_END = 0x100
DELEGATION = "0xef0100"
"""What the code of an account begins with that lends itself a contract's (EIP-7702)."""

TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
TRANSFER_TOPIC = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
BALANCE_OF_SELECTOR = bytes.fromhex("70a08231")
DECIMALS_SELECTOR = bytes.fromhex("313ce567")


def checksummed(text: str) -> str:
    """EIP-55 spelling of a hex address of any case."""
    return str(to_checksum_address(text))


def judge(text: str, token_contracts: Collection[str]) -> Address | AddressProblem:
    """Is this a payable account? One-case spellings pass with a warning, a wrong EIP-55 checksum does not."""
    if not is_evm_address(text):
        return AddressProblem.WRONG_NETWORK if is_bitcoin_address(text) else AddressProblem.INVALID
    digits = text[2:]
    canonical = checksummed("0x" + digits)
    one_case = digits in (digits.lower(), digits.upper())
    if not one_case and digits != canonical[2:]:
        return AddressProblem.INVALID
    low = canonical.lower()
    if int(low, 16) < PRECOMPILES_END or low in BURN or canonical in token_contracts:
        return AddressProblem.FORBIDDEN
    unproven = one_case and digits != canonical[2:]
    return Address(canonical, "account", ("no_checksum",) if unproven else ())


# --- deposit addresses: BIP32 public derivation -------------------------------------------------------------------

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_XPUB_BYTES = 78
_XPUB_VERSION = bytes.fromhex("0488b21e")
HARDENED = 2**31


def base58_check(text: str) -> bytes:
    """The payload of a Base58Check text. Refuses (ValueError) other letters and a wrong checksum."""
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = data[:-4], data[-4:]
    if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4] != checksum:
        raise ValueError("wrong Base58 checksum")
    return payload


def extended_key(xpub: str) -> tuple[bytes, bytes]:
    """Chain code and public key of an extended public key. Refuses (ValueError) what BIP32 calls invalid."""
    data = base58_check(xpub)
    if len(data) != _XPUB_BYTES or data[:4] != _XPUB_VERSION:
        raise ValueError("not an extended public key")
    if data[4] == 0 and any(data[5:13]):
        raise ValueError("a master key has no parent and no number")
    PublicKey(data[45:])  # a prefix that is no compressed key's, or no point of the curve
    return data[13:45], data[45:]


@lru_cache(maxsize=64)
def _node(xpub: str, path: tuple[int, ...]) -> tuple[bytes, bytes]:
    """Chain code and public key of the non-hardened `path` under an extended public key."""
    if not path:
        return extended_key(xpub)
    chain_code, public = _node(xpub, path[:-1])
    return child(chain_code, public, path[-1])


def child(chain_code: bytes, public: bytes, index: int) -> tuple[bytes, bytes]:
    """BIP32 CKDpub: chain code and compressed public key of a non-hardened child."""
    if not 0 <= index < HARDENED:
        raise ValueError("a public key has no such child")
    digest = hmac.new(chain_code, public + index.to_bytes(4, "big"), hashlib.sha512).digest()
    return digest[32:], PublicKey(public).add(digest[:32]).format(compressed=True)


def account_of(public: bytes) -> str:
    """The account of a secp256k1 public key, EIP-55."""
    point = PublicKey(public).format(compressed=False)
    return checksummed("0x" + keccak(point[1:])[-20:].hex())


def derive_address(xpub: str, index: int) -> str:
    """Deposit address number `index`: child 0/index of the extended public key."""
    chain_code, public = _node(xpub, (0,))
    return account_of(child(chain_code, public, index)[1])


# --- tokens ---------------------------------------------------------------------------------------------------------


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def transfer_data(address: str, units: int) -> bytes:
    """Calldata of ERC-20 `transfer`."""
    return TRANSFER_SELECTOR + _word(int(address, 16)) + _word(units)


def balance_call(contract: str, address: str) -> dict[str, str]:
    return {"to": contract, "data": "0x" + (BALANCE_OF_SELECTOR + _word(int(address, 16))).hex()}


def decimals_call(contract: str) -> dict[str, str]:
    return {"to": contract, "data": "0x" + DECIMALS_SELECTOR.hex()}


def transfer_call(sender: str, contract: str | None, address: str, units: int) -> dict[str, str]:
    """The payment as call fields, for an estimate of its gas. `contract` None means ether."""
    if contract is None:
        return {"from": sender, "to": address, "value": hex(units)}
    return {"from": sender, "to": contract, "data": "0x" + transfer_data(address, units).hex()}


def payment_uri(address: str, chain_id: int, contract: str | None = None) -> str:
    """EIP-681 without an amount."""
    if contract is None:
        return f"ethereum:{address}@{chain_id}"
    return f"ethereum:{contract}@{chain_id}/transfer?address={address}"


# --- gas ------------------------------------------------------------------------------------------------------------


FEE_BLOCKS = 20
FEE_PERCENTILES = (10, 50, 90)


def gas_fees(history: Mapping[str, Any], *, floor: int, ceiling: int) -> GasFees:
    """From an `eth_feeHistory` of FEE_BLOCKS and FEE_PERCENTILES. `floor` is the least tip, `ceiling` the most in all.

    The most we pay is twice the next base fee plus the tip: the base fee doubles in six full blocks at the earliest.
    Empty blocks report a tip of zero and are left out.
    """
    base = int(history["baseFeePerGas"][-1], 16)
    rewards = history.get("reward") or []
    filled = [row for row, used in zip(rewards, history["gasUsedRatio"], strict=False) if used > 0]
    prices = []
    for place in range(len(FEE_PERCENTILES)):
        tips = [int(row[place], 16) for row in filled]
        tip = min(max(median_low(tips) if tips else floor, floor), ceiling)
        prices.append(GasPrice(min(2 * base + tip, ceiling), tip))
    return GasFees(*prices)


def bumped(price: GasPrice) -> GasPrice:
    """The least price at which every pool takes a replacement: both parts 12.5 % up, rounded up."""
    return GasPrice(*(-(-part * 9 // 8) for part in (price.max_fee, price.tip)))


# --- raw bytes ------------------------------------------------------------------------------------------------------


def hash_of(raw: bytes) -> str:
    """The transaction hash of signed bytes."""
    return "0x" + keccak(raw).hex()


def _fields(raw: bytes, count: int) -> list[bytes]:
    """The first fields of EIP-1559 bytes, however many there are. ValueError for another type, or what ends before."""
    if not raw or raw[0] != 2:
        raise ValueError("not an EIP-1559 transaction")
    fields: list[bytes] = []
    try:
        _, at, _ = _rlp_item(raw, 1)
        for _ in range(count):
            _, start, at = _rlp_item(raw, at)
            fields.append(raw[start:at])
    except IndexError as error:
        raise ValueError("not an EIP-1559 transaction") from error
    return fields


def nonce_of(raw: bytes) -> int:
    """The nonce inside signed EIP-1559 bytes. Refuses (ValueError) any other transaction type."""
    return int.from_bytes(_fields(raw, 2)[1], "big")


def terms_of(raw: bytes) -> GasTerms:
    """Nonce and gas inside signed EIP-1559 bytes. Refuses (ValueError) any other transaction type."""
    fields = _fields(raw, 6)  # chain id, nonce, tip, most a gas, gas, to
    chain_id, nonce, tip, max_fee, gas = (int.from_bytes(one, "big") for one in fields[:5])
    to = checksummed("0x" + fields[5].hex()) if len(fields[5]) == 20 else ""
    return GasTerms(chain_id, nonce, gas, GasPrice(max_fee, tip), to)


def _rlp_item(data: bytes, at: int) -> tuple[bool, int, int]:
    """Whether it is a list, and where the content of the RLP item at `at` starts and ends."""
    head = data[at]
    if head < 0x80:
        return False, at, at + 1
    is_list = head >= 0xC0
    short = head - (0xC0 if is_list else 0x80)
    if short <= 55:
        return is_list, at + 1, at + 1 + short
    length_bytes = short - 55
    start = at + 1 + length_bytes
    return is_list, start, start + int.from_bytes(data[at + 1 : start], "big")


def padded(address: str) -> str:
    """An address as a log's topic."""
    return "0x" + "0" * 24 + address[2:].lower()


def unpadded(topic: str) -> str:
    """The address in a log's topic, EIP-55."""
    return checksummed("0x" + topic[-40:])


def keep_blocks(blocks: Sequence[tuple[int, str]], depth: int) -> list[tuple[int, str]]:
    """Which (number, hash) pairs to remember: the newest dense, then ever sparser down to `depth` below the newest.

    A walk back over a reorg ends at a remembered block at or below the fork; what is between is read again, which
    changes nothing that was right.
    """
    if not blocks:
        return []
    newest = blocks[-1][0]
    kept: list[tuple[int, str]] = []
    for number, block_hash in blocks:
        age = newest - number
        step = 1 if age < 16 else 16
        if age <= depth and (age < 16 or number % step == 0):
            kept.append((number, block_hash))
    return kept
