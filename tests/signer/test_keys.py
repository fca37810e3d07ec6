"""The seed: official vectors, a seal that only its passphrase opens, and a public file that cannot sign."""

import json
import stat
from pathlib import Path

import bdkpython as bdk
import pytest
from eth_account import Account

from tests.signer.world import settings
from tidegate.chains.bitcoin.build import derive_address
from tidegate.chains.evm.build import derive_address as derive_account
from tidegate.chains.public import load_public
from tidegate.signer.home import init, words
from tidegate.signer.keys import Seed, WrongPassphrase, seal, unseal

ABOUT = "abandon " * 11 + "about"


def test_bip84_vectors(seed: Seed) -> None:
    """BIP84's test vectors: account xpub of m/84h/0h/0h, first two receiving addresses and the first change address."""
    external, internal = seed.descriptors("main")
    assert seed.words() == ABOUT
    assert str(external.derive_address(0, bdk.Network.BITCOIN)) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    assert str(external.derive_address(1, bdk.Network.BITCOIN)) == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
    assert str(internal.derive_address(0, bdk.Network.BITCOIN)) == "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"


def test_bip39_entropy_becomes_the_vectors_words() -> None:
    entropy = bytes.fromhex("7f" * 32)
    expected = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful "
    assert Seed(entropy, 0).words() == expected + "legal winner thank year wave sausage worth title"


def test_the_evm_account_is_the_one_every_wallet_derives(seed: Seed) -> None:
    Account.enable_unaudited_hdwallet_features()
    expected = Account.from_mnemonic(ABOUT, account_path="m/44'/60'/0'/0/0").address
    assert seed.evm_address() == expected == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"


def test_deposit_accounts_from_the_public_key_equal_those_of_the_words(seed: Seed) -> None:
    Account.enable_unaudited_hdwallet_features()
    for index in (0, 1, 999, 2**31 - 1):
        expected = Account.from_mnemonic(ABOUT, account_path=f"m/44'/60'/1'/0/{index}").address
        assert derive_account(seed.evm_deposit_xpub(), index) == expected


def test_a_sealed_seed_opens_with_its_passphrase_alone() -> None:
    seed = Seed(bytes(range(32)), 1_700_000_000)
    sealed = seal(seed, b"a good long passphrase")
    assert unseal(sealed, b"a good long passphrase") == seed
    assert seed.entropy not in sealed and seed.entropy.hex().encode() not in sealed
    with pytest.raises(WrongPassphrase):
        unseal(sealed, b"another passphrase!!")


@pytest.mark.parametrize("place", [0, 13, 14, 18, 25, 40, 60, -1])
def test_a_damaged_seal_does_not_open(place: int) -> None:
    sealed = bytearray(seal(Seed(bytes(32), 0), b"passphrase of sixteen"))
    sealed[place] ^= 1  # 14: passes, 18: memory, of which a changed file could ask for hours
    with pytest.raises(WrongPassphrase):
        unseal(bytes(sealed), b"passphrase of sixteen")


def test_init_makes_a_seed_once(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    assert init(configured)
    first = words(configured)
    assert len(first.split()) == 24
    assert not init(configured)
    assert words(configured) == first
    assert stat.S_IMODE((tmp_path / "signer").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "signer" / "seed.sealed").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "passphrase").stat().st_mode) == 0o600


def test_the_public_file_gives_addresses_and_no_secret(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    init(configured)
    text = configured.signer.public_file.read_text()
    assert "prv" not in text and not set(words(configured).split()) & set(json.dumps(json.loads(text)).split())
    public = load_public(configured.signer.public_file)
    keys = public.bitcoin["bitcoin"]
    assert derive_address(keys.external, keys.chain, 0).startswith("bcrt1q")
    assert derive_address(keys.external, keys.chain, 0) != derive_address(keys.internal, keys.chain, 0)
    assert derive_account(public.evm["ethereum"].deposit_xpub, 0) != public.evm["ethereum"].hot_address


def test_a_production_signer_without_a_passphrase_does_not_start(tmp_path: Path) -> None:
    configured = settings(tmp_path).model_copy(update={"mode": "production"})
    with pytest.raises(SystemExit, match="passphrase_file"):
        init(configured)
