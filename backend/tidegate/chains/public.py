"""The signer's public file: what the rest of the house may know of the keys, and nothing that can sign."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.chains.port import NodeUnavailable

VERSION = 1


@dataclass(frozen=True, slots=True)
class BitcoinKeys:
    """BIP84 account of one Bitcoin network: descriptors with checksum; `external` for deposits, `internal` for change."""

    chain: str
    external: str
    internal: str


@dataclass(frozen=True, slots=True)
class EvmKeys:
    """One EVM network: the hot account that pays, and the extended public key that deposit addresses come from."""

    hot_address: str
    deposit_xpub: str


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """`born` (Unix seconds) is when the seed was made: no coin of ours is older, so a lost node rescans from there."""

    fingerprint: str
    born: int
    bitcoin: dict[str, BitcoinKeys] = field(default_factory=dict)
    evm: dict[str, EvmKeys] = field(default_factory=dict)
    cold: dict[str, str] = field(default_factory=dict)
    """By network, the address that the signer moves coins to cold storage at; it knows no other."""
    venues: dict[str, dict[str, str]] = field(default_factory=dict)
    """By exchange, then as "ASSET@network", our deposit addresses that the signer moves coins to."""


class PublicFileMissing(NodeUnavailable):
    """The signer has not written its public file yet."""


def parse_public(text: str) -> PublicKeys:
    """Refuses (ValueError, KeyError, TypeError) what the signer would not have written."""
    raw: dict[str, Any] = json.loads(text)
    if raw["version"] != VERSION:
        raise ValueError("the public file is of another version")
    return PublicKeys(
        fingerprint=raw["fingerprint"],
        born=raw["born"],
        bitcoin={name: BitcoinKeys(**keys) for name, keys in raw["bitcoin"].items()},
        evm={name: EvmKeys(**keys) for name, keys in raw["evm"].items()},
        cold=dict(raw.get("cold", {})),
        venues={name: dict(places) for name, places in raw.get("venues", {}).items()},
    )


def load_public(path: Path) -> PublicKeys:
    """Read the public file. Refuses (PublicFileMissing) when it is not there."""
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise PublicFileMissing(f"{path.name} is not there: start the signer first") from error
    return parse_public(text)
