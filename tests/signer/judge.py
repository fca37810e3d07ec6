"""A second opinion on what was signed: reads the bytes by itself and knows of nothing but what people authorised.

Nothing here is the signer's: transactions, RLP and PSBT maps are read by a few lines of their own.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tidegate.signing.messages import Intent

Outpoint = tuple[str, int]


@dataclass
class Transaction:
    """A Bitcoin transaction; `inputs` are (outpoint, rest of the input), `witness` one list for each."""

    version: bytes
    inputs: list[tuple[Outpoint, bytes]]
    outputs: list[tuple[int, bytes]]
    locktime: bytes
    witness: list[list[bytes]] = field(default_factory=list)

    def plain(self) -> bytes:
        """Without witness: what the id is the hash of."""
        data = self.version + _size(len(self.inputs))
        for (txid, place), rest in self.inputs:
            data += bytes.fromhex(txid)[::-1] + place.to_bytes(4, "little") + rest
        data += _size(len(self.outputs))
        for units, script in self.outputs:
            data += units.to_bytes(8, "little") + _size(len(script)) + script
        return data + self.locktime

    @property
    def txid(self) -> str:
        return hashlib.sha256(hashlib.sha256(self.plain()).digest()).digest()[::-1].hex()


def _size(number: int) -> bytes:
    return bytes([number]) if number < 0xFD else b"\xfd" + number.to_bytes(2, "little")


class Reader:
    """Bytes from front to back."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, number: int) -> bytes:
        self.at += number
        assert self.at <= len(self.data), "cut off"
        return self.data[self.at - number : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def size(self) -> int:
        first = self.number(1)
        return first if first < 0xFD else self.number({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])

    def sized(self) -> bytes:
        return self.take(self.size())


def transaction(raw: bytes) -> Transaction:
    """Read whole, or AssertionError."""
    reader = Reader(raw)
    version = reader.take(4)
    segwit = raw[4:6] == b"\0\1"
    if segwit:
        reader.take(2)
    inputs = []
    for _ in range(reader.size()):
        outpoint = (reader.take(32)[::-1].hex(), reader.number(4))
        script = reader.sized()
        inputs.append((outpoint, _size(len(script)) + script + reader.take(4)))
    outputs = [(reader.number(8), reader.sized()) for _ in range(reader.size())]
    witness = [[reader.sized() for _ in range(reader.size())] for _ in inputs] if segwit else []
    found = Transaction(version, inputs, outputs, reader.take(4), witness)
    assert reader.at == len(raw), "more than a transaction"
    return found


Maps = list[list[tuple[bytes, bytes]]]


def psbt_maps(text: str) -> Maps:
    """The key-value maps of a PSBT: global, inputs, outputs."""
    reader = Reader(base64.b64decode(text))
    assert reader.take(5) == b"psbt\xff"
    maps: Maps = []
    while reader.at < len(reader.data):
        pairs = []
        while key := reader.sized():
            pairs.append((key, reader.sized()))
        maps.append(pairs)
    return maps


def psbt_text(maps: Maps) -> str:
    data = b"psbt\xff"
    for pairs in maps:
        data += b"".join(_size(len(k)) + k + _size(len(v)) + v for k, v in pairs) + b"\0"
    return base64.b64encode(data).decode()


def _rlp(data: bytes) -> list[bytes]:
    """The byte strings of one flat RLP list; a list inside it (the access list) as its raw content."""
    assert data[0] >= 0xC0
    at = 1 + (data[0] - 0xF7 if data[0] > 0xF7 else 0)
    items = []
    while at < len(data):
        head = data[at]
        if head < 0x80:
            items.append(data[at : at + 1])
            at += 1
            continue
        base = 0xC0 if head >= 0xC0 else 0x80
        length, at = head - base, at + 1
        if length > 55:
            more = length - 55
            length, at = int.from_bytes(data[at : at + more], "big"), at + more
        items.append(data[at : at + length])
        at += length
    return items


@dataclass
class Judge:
    """Counts what may stand; AssertionError for a signature that no authorised payout covers, nor a move within our own.

    `scripts`: script of each authorised Bitcoin address. `change`: scripts of our change addresses. `coins`: our coins.
    `cold`: script and account of cold storage. `there`: the same of our address at an exchange, `to_there` the most of
    an asset that goes there at once. `move_fee`, `top_up`: their bounds.
    """

    intents: Mapping[str, Intent]
    scripts: Mapping[str, bytes]
    change: frozenset[bytes]
    coins: dict[Outpoint, int]
    account: str
    contracts: Mapping[str, str]
    chain_id: int
    cold: tuple[bytes, str]
    there: tuple[bytes, str]
    to_there: Mapping[str, int]
    move_fee: Mapping[str, int]
    top_up: int
    signed: dict[str, list[tuple[frozenset[str], frozenset[object]]]] = field(default_factory=dict)
    bumps: dict[Outpoint, tuple[int, int]] = field(default_factory=dict)  # change → fee and bound of its payment

    def _stand(self, ids: frozenset[str], claims: frozenset[object]) -> None:
        for one in ids:
            for others, claimed in self.signed.get(one, ()):
                assert claims & claimed, f"{one} could be paid twice"
                assert others == ids, f"{one} was signed together with others"
            self.signed.setdefault(one, []).append((ids, claims))

    def bitcoin(self, raw: bytes, *, move: bool = False) -> None:
        """`move`: it was asked for as a move of the house, and has a move's bound; our change may be among its coins."""
        found = transaction(raw)
        due = {(i.deliver_units, self.scripts[i.address]): i for i in self.intents.values() if i.asset == "BTC"}
        chilled = [output for output in found.outputs if move and output[1] in (self.cold[0], self.there[0])]
        paid = [due[output] for output in found.outputs if output[1] not in self.change and output not in chilled]
        ours = [place for place, output in enumerate(found.outputs) if output[1] in self.change]
        ids = frozenset(intent.payout_id for intent in paid)
        assert len(ids) == len(paid) and len(ours) <= 1
        spent = [outpoint for outpoint, _ in found.inputs]
        assert len(set(spent)) == len(spent) >= 1
        fee = sum(self.coins[outpoint] for outpoint in spent) - sum(units for units, _ in found.outputs)
        assert all(len(w) == 2 and w[0][-1] == 1 for w in found.witness) and len(found.witness) == len(spent)
        if move:
            assert not paid and len(found.outputs) == len(ours) + len(chilled), "a move that pays somebody"
            assert all(script != self.there[0] or units <= self.to_there["BTC"] for units, script in chilled)
            assert len(chilled) <= 1 and 0 <= fee <= self.move_fee["BTC"]
            assert chilled or len(ours) == 1
            return
        if not paid:
            ((before, bound),) = [self.bumps[outpoint] for outpoint in spent]
            assert ours == [0] and fee >= 0 and fee + before <= bound, "a child above its parent's bound"
            return
        bound = sum(intent.max_network_fee_units for intent in paid)
        assert 0 <= fee <= bound, "a fee above what was agreed"
        self._stand(ids, frozenset(spent))
        for place in ours:
            self.coins[found.txid, place] = found.outputs[place][0]
            self.bumps[found.txid, place] = (fee, bound)

    def evm(self, raw: bytes, *, deposit: str = "") -> None:
        """`deposit`: the account of the deposit address that a move named."""
        assert raw[0] == 2
        fields = _rlp(raw[1:])
        numbers = [int.from_bytes(part, "big") for part in fields]
        chain_id, nonce, _, most, gas, _, value = numbers[:7]
        to, data, access, (parity, r, s) = fields[5], fields[7], fields[8], numbers[9:12]
        assert chain_id == self.chain_id and not access
        unsigned = b"".join(_item(part) for part in fields[:8]) + b"\xc0"
        proof = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
        key = PublicKey.from_signature_and_message(proof, keccak(b"\2" + _list(unsigned)), hasher=None)
        signer = keccak(key.format(compressed=False)[1:])[-20:]
        asset, address, units = "ETH", to, value
        if data:
            (asset,) = [code for code, contract in self.contracts.items() if bytes.fromhex(contract[2:]) == to]
            assert data[:16] == bytes.fromhex("a9059cbb") + bytes(12) and len(data) == 68 and value == 0
            address, units = data[16:36], int.from_bytes(data[36:], "big")
        sender, recipient = str(to_checksum_address(signer)), str(to_checksum_address(address))
        if sender != self.account or recipient in {self.account, self.cold[1], self.there[1], deposit}:
            self._move(sender, recipient, deposit, asset, units, gas * most, nonce)
            return
        covered = [
            intent
            for intent in self.intents.values()
            if (intent.asset, intent.deliver_units, intent.address) == (asset, units, to_checksum_address(address))
        ]
        (intent,) = covered
        assert gas * most <= intent.max_network_fee_units, "a fee above what was agreed"
        self._stand(frozenset({intent.payout_id}), frozenset({("nonce", nonce)}))
        self._alone(nonce, intent.payout_id)

    def _move(self, sender: str, recipient: str, deposit: str, asset: str, units: int, fee: int, nonce: int) -> None:
        """Between our own places: which of them pays which, and what that may cost."""
        if sender == deposit:
            assert recipient in (self.account, self.cold[1]) and units > 0 and fee <= self.move_fee["ETH"]
            return
        assert sender == self.account
        if recipient == self.account:
            holders = [all_of for all_of in self.signed.values() if any(("nonce", nonce) in c for _, c in all_of)]
            assert asset == "ETH" and not units and holders, "a cancellation of nothing"
            return
        assert units > 0 and fee <= self.move_fee["ETH"]
        bound = self.to_there.get(asset, 0) if recipient == self.there[1] else units
        assert units <= bound, "more than goes to an exchange at once"
        ours = recipient in (self.cold[1], self.there[1])
        assert ours or (recipient == deposit and asset == "ETH" and units <= self.top_up)
        self._stand(frozenset({f"nonce {nonce}"}), frozenset({("nonce", nonce)}))
        self._alone(nonce, f"nonce {nonce}")

    def _alone(self, nonce: int, who: str) -> None:
        holders = [one for one, all_of in self.signed.items() for _, claims in all_of if ("nonce", nonce) in claims]
        assert set(holders) == {who}, "two payouts at one nonce: one of them is never made"


def _item(part: bytes) -> bytes:
    if len(part) == 1 and part[0] < 0x80:
        return part
    return _head(len(part), 0x80) + part


def _list(content: bytes) -> bytes:
    return _head(len(content), 0xC0) + content


def _head(length: int, base: int) -> bytes:
    if length <= 55:
        return bytes([base + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size)]) + size
