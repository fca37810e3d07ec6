"""BIP32, 39, 84, 86, 173, 350, 174 and 371: what the standards' own examples say of our derivation, addresses and PSBTs."""

import hashlib
from base64 import b64decode
from pathlib import Path

import bdkpython as bdk
import pytest

from tests.signer.world import NOW, intent, settings, sign_bitcoin
from tests.vectors.conftest import Counted, vectors
from tidegate.chains.bitcoin.build import derive_address, inputs_of, judge, txid_of
from tidegate.chains.evm.build import base58_check, child, extended_key
from tidegate.chains.port import Address
from tidegate.chains.recognise import is_bitcoin_address
from tidegate.signer.bitcoin import BitcoinVault, NotDecodable
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Denied, Rule

HARDENED = "H"
CHAINS = {"bc": "main", "tb": "test"}


def _plain(key: str) -> str:
    """Without the key origin in front and the wildcard behind that the library prints."""
    return key.rpartition("]")[2].partition("/")[0]


def test_bip32_private_derivation_gives_each_vector(counted: Counted) -> None:
    """The library that the signer derives with: every node of every chain from the chain's master key."""
    document = vectors("bip32.json")
    for chain in document["chains"]:
        master = bdk.DescriptorSecretKey.from_string(chain["nodes"][0]["xprv"])
        for node in chain["nodes"]:
            path = node["path"].replace(HARDENED, "h")
            found = master if path == "m" else master.derive(bdk.DerivationPath(path))
            assert _plain(str(found.as_public())) == node["xpub"], node["path"]
            assert bytes(found.secret_bytes()) == base58_check(node["xprv"])[46:], node["path"]
            counted("BIP32, nodes derived with private keys", 1)


def test_bip32_public_derivation_gives_each_vector(counted: Counted) -> None:
    """Our own CKDpub: every non-hardened step of every chain."""
    for chain in vectors("bip32.json")["chains"]:
        for parent, node in zip(chain["nodes"], chain["nodes"][1:], strict=False):
            step = node["path"].rpartition("/")[2]
            if not step.endswith(HARDENED):
                assert child(*extended_key(parent["xpub"]), int(step)) == extended_key(node["xpub"])
                counted("BIP32, steps derived with public keys", 1)


@pytest.mark.parametrize("vector", vectors("bip32.json")["invalid"], ids=lambda vector: vector["why"])
def test_bip32_refuses_each_invalid_key(vector: dict[str, str], counted: Counted) -> None:
    with pytest.raises(ValueError):
        extended_key(vector["key"])
    counted("BIP32, invalid keys refused", 1)


def test_bip39_entropy_gives_each_vectors_words_and_master_key(counted: Counted) -> None:
    document = vectors("bip39.json")
    for vector in document["vectors"]:
        words = Seed(bytes.fromhex(vector["entropy"]), 0).words()
        assert words == vector["words"]
        seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic" + document["passphrase"].encode(), 2048)
        assert seed.hex() == vector["seed"]
        mnemonic = bdk.Mnemonic.from_string(words)
        master = bdk.DescriptorSecretKey(bdk.NetworkKind.MAIN, mnemonic, document["passphrase"])
        assert bytes(master.secret_bytes()) == base58_check(vector["xprv"])[46:]
        counted("BIP39, English words and master keys", 1)


def test_bip84_addresses_are_those_of_the_vectors(counted: Counted) -> None:
    document = vectors("bip84.json")
    seed = Seed(bytes(16), 0)
    assert seed.words() == document["words"]
    branches = BitcoinVault(seed, "main").public_descriptors()
    for vector in document["addresses"]:
        assert derive_address(branches[vector["branch"]], "main", vector["index"]) == vector["address"]
        counted("BIP84, addresses", 1)


def test_bip86_addresses_are_those_of_the_vectors(counted: Counted) -> None:
    """Taproot is no address type of ours yet: what is judged is our derivation from a descriptor, and the address."""
    document = vectors("bip86.json")
    for vector in document["addresses"]:
        descriptor = f"tr({document['account_xpub']}/{vector['branch']}/*)"
        assert derive_address(descriptor, "main", vector["index"]) == vector["address"]
        assert judge(vector["address"], "main") == Address(vector["address"], "p2tr")
        assert _script(vector["address"], "main") == vector["script"]
        counted("BIP86, addresses", 1)


def _script(address: str, chain: str) -> str:
    return BitcoinVault(Seed(bytes(16), 0), chain).script_of(address)


@pytest.mark.parametrize("number", [173, 350])
def test_each_valid_segwit_address_is_read_and_payable_exactly_when_its_kind_is_known(
    number: int, counted: Counted
) -> None:
    """A version that no rule of the network protects yet is read, and not paid: anybody could take the coins."""
    known = {("00", 20): "p2wpkh", ("00", 32): "p2wsh", ("51", 32): "p2tr"}
    for vector in vectors(f"bip{number}.json")["valid"]:
        address, script = vector["address"], vector["script"]
        chain = CHAINS[address[:2].lower()]
        assert is_bitcoin_address(address)
        assert _script(address, chain) == script
        kind = known.get((script[:2], len(script) // 2 - 2))
        found = judge(address, chain)
        assert (found.kind if isinstance(found, Address) else None) == kind, address
        counted(f"BIP{number}, valid addresses", 1)


@pytest.mark.parametrize("number", [173, 350])
def test_each_invalid_segwit_address_is_refused_everywhere(number: int, counted: Counted) -> None:
    document = vectors(f"bip{number}.json")
    for vector in [*document["invalid"], *document.get("valid_until_bip350", ())]:
        address = vector["address"]
        assert not is_bitcoin_address(address), address
        for chain in ("main", "test", "signet", "regtest"):
            assert not isinstance(judge(address, chain), Address)
            with pytest.raises(NotDecodable):
                _script(address, chain)
        counted(f"BIP{number}, invalid addresses refused", 1)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    configured = settings(tmp_path)
    vaults = open_vaults(Seed(bytes(16), 0), configured)
    return Desk(vaults, policies_of(configured), Journal(tmp_path / "journal.jsonl"), tmp_path / "frozen", lambda: NOW)


@pytest.mark.parametrize("number", [174, 371])
def test_no_invalid_psbt_is_taken_for_a_transaction_by_what_sends_and_looks_up(number: int, counted: Counted) -> None:
    """The chain's own readers of bytes; BIP174's first vector is invalid because it is a plain transaction."""
    for vector in vectors(f"bip{number}.json")["invalid"]:
        raw = b64decode(vector["psbt"])
        if not raw.startswith(b"psbt"):
            assert vector["what"] == "Network transaction, not PSBT format"
            continue
        for read in (txid_of, inputs_of):
            with pytest.raises(ValueError):
                read(raw)
        counted(f"BIP{number}, invalid PSBTs refused by the chain's readers", 1)


@pytest.mark.parametrize("number", [174, 371])
def test_each_invalid_psbt_is_refused_with_the_rule(number: int, desk: Desk, counted: Counted) -> None:
    for vector in vectors(f"bip{number}.json")["invalid"]:
        answer = desk.sign(sign_bitcoin(vector["psbt"], intent()))
        assert isinstance(answer, Denied) and answer.rule == Rule.MALFORMED, vector["what"]
        counted(f"BIP{number}, invalid PSBTs refused", 1)


def test_each_psbt_that_a_signer_must_refuse_is_refused(desk: Desk, counted: Counted) -> None:
    for vector in vectors("bip174.json")["signer_must_refuse"]:
        answer = desk.sign(sign_bitcoin(vector["psbt"], intent()))
        assert isinstance(answer, Denied) and answer.rule in (Rule.FOREIGN_INPUT, Rule.MALFORMED), vector["what"]
        counted("BIP174, PSBTs that a signer must refuse", 1)


# Valid PSBTs with fields that this signer has no use for and refuses to read, by design: unknown ones, and taproot's
# scripts. What it refuses it cannot misread.
BEYOND_US = {174: 1, 371: 2}


@pytest.mark.parametrize("number", [174, 371])
def test_each_valid_psbt_is_read_or_beyond_us_and_never_signed_since_its_coins_are_not_ours(
    number: int, desk: Desk, counted: Counted
) -> None:
    vault, beyond = BitcoinVault(Seed(bytes(16), 0), "regtest"), 0
    for vector in vectors(f"bip{number}.json")["valid"]:
        try:
            _, _, spend = vault.decode(vector["psbt"])
            assert not any(coin.ours for coin in spend.inputs), vector["what"]
        except NotDecodable:
            beyond += 1
        answer = desk.sign(sign_bitcoin(vector["psbt"], intent()))
        assert isinstance(answer, Denied), vector["what"]
        counted(f"BIP{number}, valid PSBTs answered", 1)
    assert beyond == BEYOND_US[number]
