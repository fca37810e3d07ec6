"""Judging addresses: right ones in their canonical spelling, wrong ones by what is wrong with them."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tidegate.chains.bitcoin import build as bitcoin
from tidegate.chains.evm import build as evm
from tidegate.chains.port import Address, AddressProblem

# BIP173's and BIP350's valid addresses that are payable here, with their networks.
BECH32 = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "main", "p2wpkh"),
    ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "test", "p2wsh"),
    ("tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy", "test", "p2wsh"),
    ("tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", "test", "p2tr"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "main", "p2tr"),
    ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "regtest", "p2wpkh"),
]
# Valid encodings of witness versions or programs that nobody can be said to own.
UNKNOWN_PROGRAMS = [
    ("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "main"),
    ("BC1SW50QGDZ25J", "main"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "main"),
    ("bc1pfeessrawgf", "main"),
]
# BIP173's and BIP350's invalid ones.
INVALID = [
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "bc1rw5uspcuh",
    "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
    "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
    "bc1gmk9yu",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "",
    "bitcoin",
    "satoshi@example.org",
    "ｂｃ1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "x" * 5000,
]


@pytest.mark.parametrize(("text", "chain", "kind"), BECH32)
def test_valid_segwit_addresses_are_taken_in_lower_case(text: str, chain: str, kind: str) -> None:
    assert bitcoin.judge(text, chain) == Address(text.lower(), kind)


@pytest.mark.parametrize(("text", "chain"), UNKNOWN_PROGRAMS)
def test_unknown_witness_versions_are_refused(text: str, chain: str) -> None:
    assert bitcoin.judge(text, chain) is AddressProblem.INVALID


@pytest.mark.parametrize("text", INVALID)
@pytest.mark.parametrize("chain", ["main", "regtest"])
def test_invalid_addresses_are_invalid_everywhere(text: str, chain: str) -> None:
    assert bitcoin.judge(text, chain) is AddressProblem.INVALID


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "regtest"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "regtest"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "main"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "regtest"),
        ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "test"),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "main"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "regtest"),
    ],
)
def test_an_address_of_another_network_is_told_from_an_invalid_one(text: str, chain: str) -> None:
    assert bitcoin.judge(text, chain) is AddressProblem.WRONG_NETWORK


@pytest.mark.parametrize("chain", ["test", "signet", "regtest"])
def test_base58_addresses_are_the_same_on_every_test_network(chain: str) -> None:
    assert bitcoin.judge("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", chain) == Address(
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "p2pkh"
    )
    assert bitcoin.judge("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", chain) == Address(
        "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "p2sh"
    )


EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.mark.parametrize("text", EIP55)
def test_eip55_vectors_are_taken_as_they_stand(text: str) -> None:
    assert evm.judge(text, ()) == Address(text, "account")


@pytest.mark.parametrize("text", EIP55[4:])
def test_one_case_is_taken_with_a_warning_and_stored_checksummed(text: str) -> None:
    for spelled in (text.lower(), "0x" + text[2:].upper(), "0X" + text[2:].upper()):
        assert evm.judge(spelled, ()) == Address(text, "account", ("no_checksum",))


@pytest.mark.parametrize("text", EIP55[4:])
def test_a_wrong_checksum_is_invalid(text: str) -> None:
    place = next(i for i, letter in enumerate(text) if i > 1 and letter.isalpha())
    assert evm.judge(text[:place] + text[place].swapcase() + text[place + 1 :], ()) is AddressProblem.INVALID


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "0" * 40,
        "0x000000000000000000000000000000000000dEaD",
        "0x" + "0" * 39 + "1",
        "0x" + "0" * 38 + "ff",
        TOKEN,
        TOKEN.lower(),
    ],
)
def test_addresses_that_swallow_money_are_forbidden(text: str) -> None:
    assert evm.judge(text, {TOKEN: "USDT"}) is AddressProblem.FORBIDDEN


def test_the_first_address_above_the_precompiles_is_an_account() -> None:
    assert isinstance(evm.judge("0x" + "0" * 37 + "100", ()), Address)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AddressProblem.WRONG_NETWORK),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", AddressProblem.WRONG_NETWORK),
        ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", AddressProblem.INVALID),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", AddressProblem.INVALID),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", AddressProblem.INVALID),
        ("vitalik.eth", AddressProblem.INVALID),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe\n", AddressProblem.INVALID),
        ("", AddressProblem.INVALID),
    ],
)
def test_what_is_no_account_says_why(text: str, problem: AddressProblem) -> None:
    assert evm.judge(text, ()) is problem


@given(st.text(max_size=120))
def test_no_text_breaks_a_judge(text: str) -> None:
    for verdict in (bitcoin.judge(text, "regtest"), evm.judge(text, ())):
        assert isinstance(verdict, AddressProblem)


# --- BIP32, test vectors 1 and 2, public derivation ---

BIP32_PUBLIC = [
    (
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
        1,
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ",
    ),
    (
        "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB",
        0,
        "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH",
    ),
]


@pytest.mark.parametrize(("parent", "index", "expected"), BIP32_PUBLIC)
def test_bip32_public_derivation_vectors(parent: str, index: int, expected: str) -> None:
    data, wanted = evm.base58_check(parent), evm.base58_check(expected)
    assert evm.child(data[13:45], data[45:], index) == (wanted[13:45], wanted[45:])


def test_a_damaged_extended_key_is_refused() -> None:
    text = BIP32_PUBLIC[0][0]
    with pytest.raises(ValueError, match="checksum"):
        evm.derive_address(text[:50] + ("a" if text[50] != "a" else "b") + text[51:], 0)
    with pytest.raises(ValueError, match="extended public key"):
        evm.derive_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", 0)
    with pytest.raises(ValueError, match="no such child"):
        evm.derive_address(text, 2**31)


def test_the_account_of_a_key_is_eth_accounts() -> None:
    account = Account.from_key(bytes(range(1, 33)))
    public = account._key_obj.public_key.to_compressed_bytes()
    assert evm.account_of(public) == account.address
