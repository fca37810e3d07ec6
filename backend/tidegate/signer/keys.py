"""The seed: made here, sealed on disk under a passphrase, and turned into keys in this process alone.

Sealed file: magic, version byte, argon2id parameters, salt, nonce, AES-256-GCM ciphertext; everything before the
ciphertext is authenticated with it. Inside: BIP39 entropy and the time of its making.
"""

import json
import os
import secrets
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import bdkpython as bdk
from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account

MAGIC = b"tidegate-seed"
VERSION = 1
# argon2id: passes, KiB, lanes. Kept in the file, so that they may grow for new seeds.
_COST = (3, 65_536, 1)
_MOST_COST = (100, 2**22, 16)
_HEAD = struct.Struct(f">{len(MAGIC)}sBIII16s12s")
_ENTROPY_BYTES = 32

NETWORKS = {
    "main": bdk.Network.BITCOIN,
    "test": bdk.Network.TESTNET,
    "testnet4": bdk.Network.TESTNET4,
    "signet": bdk.Network.SIGNET,
    "regtest": bdk.Network.REGTEST,
}
EVM_HOT_PATH = "m/44h/60h/0h/0/0"
EVM_DEPOSIT_PATH = "m/44h/60h/1h"
HARDENED = 2**31


class WrongPassphrase(Exception):
    """The sealed seed does not open: another passphrase, or a damaged file."""


@dataclass(frozen=True)
class Seed:
    """BIP39 entropy and when it was made (Unix seconds). Never printed, never leaves the process unsealed."""

    entropy: bytes
    born: int

    def __repr__(self) -> str:
        return "Seed(…)"

    @cached_property
    def _mnemonic(self) -> Any:
        return bdk.Mnemonic.from_entropy(self.entropy)

    def words(self) -> str:
        """The BIP39 words, for the operator's paper back-up."""
        return str(self._mnemonic)

    def descriptors(self, chain: str) -> tuple[Any, Any]:
        """BIP84 descriptors with keys, external and internal; coin type 0 on the main chain, 1 elsewhere."""
        kind = bdk.NetworkKind.MAIN if chain == "main" else bdk.NetworkKind.TEST
        root = bdk.DescriptorSecretKey(kind, self._mnemonic, None)
        external = bdk.Descriptor.new_bip84(root, bdk.KeychainKind.EXTERNAL, kind)
        internal = bdk.Descriptor.new_bip84(root, bdk.KeychainKind.INTERNAL, kind)
        return external, internal

    def fingerprint(self) -> str:
        return str(self._root().as_public().master_fingerprint())

    def _root(self) -> Any:
        return bdk.DescriptorSecretKey(bdk.NetworkKind.MAIN, self._mnemonic, None)

    def evm_key(self) -> bytes:
        """Private key of the one account that pays on every EVM network."""
        return bytes(self._root().derive(bdk.DerivationPath(EVM_HOT_PATH)).secret_bytes())

    def evm_address(self) -> str:
        return str(Account.from_key(self.evm_key()).address)

    def evm_deposit_key(self, index: int) -> bytes:
        """Private key of deposit address `index`: child 0/index of what `evm_deposit_xpub` publishes."""
        return bytes(self._root().derive(bdk.DerivationPath(f"{EVM_DEPOSIT_PATH}/0/{index}")).secret_bytes())

    def evm_deposit_xpub(self) -> str:
        """Extended public key whose children 0/i are the deposit addresses."""
        text = str(self._root().derive(bdk.DerivationPath(EVM_DEPOSIT_PATH)).as_public())
        return text.rpartition("]")[2].partition("/")[0]


def make_seed(now: int) -> Seed:
    """A new seed from the operating system's randomness: 24 words."""
    return Seed(secrets.token_bytes(_ENTROPY_BYTES), now)


def seal(seed: Seed, passphrase: bytes) -> bytes:
    """The sealed file's bytes."""
    head = _HEAD.pack(MAGIC, VERSION, *_COST, secrets.token_bytes(16), secrets.token_bytes(12))
    inside = json.dumps({"entropy": seed.entropy.hex(), "born": seed.born}).encode()
    return head + AESGCM(_stretch(passphrase, head)).encrypt(head[-12:], inside, head)


def unseal(sealed: bytes, passphrase: bytes) -> Seed:
    """Refuses with WrongPassphrase."""
    head, ciphertext = sealed[: _HEAD.size], sealed[_HEAD.size :]
    if len(head) != _HEAD.size or _HEAD.unpack(head)[:2] != (MAGIC, VERSION):
        raise WrongPassphrase("not a sealed seed of this version")
    if any(cost > limit for cost, limit in zip(_HEAD.unpack(head)[2:5], _MOST_COST, strict=True)):
        raise WrongPassphrase("the sealed seed asks for more work than any of ours")
    try:
        inside = json.loads(AESGCM(_stretch(passphrase, head)).decrypt(head[-12:], ciphertext, head))
    except (InvalidTag, HashingError) as error:
        raise WrongPassphrase("the passphrase does not open the seed") from error
    return Seed(bytes.fromhex(inside["entropy"]), inside["born"])


def _stretch(passphrase: bytes, head: bytes) -> bytes:
    _, _, passes, memory, lanes, salt, _ = _HEAD.unpack(head)
    return hash_secret_raw(
        passphrase, salt, time_cost=passes, memory_cost=memory, parallelism=lanes, hash_len=32, type=Type.ID
    )


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not exist yet, synced, with this mode. Refuses with FileExistsError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, data: bytes, mode: int) -> None:
    """Write a file so that a reader sees the old or the new one, whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    write_new(beside, data, mode)
    beside.replace(path)


def sync_folder(folder: Path) -> None:
    """Make what was created, replaced or removed in it outlive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
