"""What people paste, read in full or refused: BIP21, EIP-681, bare addresses with invisible company."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidegate.chains.uri import BadPayment, LightningOnly, PaymentRequest, parse_payment

A = "175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W"  # BIP21's own example
B = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"  # EIP-681's
TOKEN = "0x89205a3a3b2a69de6dbf7f01ed13b2108b2c43e7"
TO = "0x8e23ee67d1332ad560396262c48ffbb01f93d052"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"bitcoin:{A}", PaymentRequest("bitcoin", A)),
        (f"bitcoin:{A}?label=Luke-Jr", PaymentRequest("bitcoin", A, label="Luke-Jr")),
        (
            f"bitcoin:{A}?amount=20.3&label=Luke-Jr",
            PaymentRequest("bitcoin", A, units=2_030_000_000, label="Luke-Jr"),
        ),
        (
            f"bitcoin:{A}?amount=50&label=Luke-Jr&message=Donation%20for%20project%20xyz",
            PaymentRequest("bitcoin", A, units=5_000_000_000, label="Luke-Jr"),
        ),
        (
            f"bitcoin:{A}?somethingyoudontunderstand=50&somethingelseyoudontget=999",
            PaymentRequest("bitcoin", A),
        ),
        (f"BITCOIN:{A}?AMOUNT=.5", PaymentRequest("bitcoin", A, units=50_000_000)),
        (f"bitcoin:{A}?amount=0.00000001", PaymentRequest("bitcoin", A, units=1)),
        (f"bitcoin:{A}?lightning=LNBC1&message=a+b", PaymentRequest("bitcoin", A, label="a+b")),
    ],
)
def test_bip21_examples(text: str, expected: PaymentRequest) -> None:
    assert parse_payment(text) == expected


@pytest.mark.parametrize(
    "query",
    [
        "req-somethingyoudontunderstand=50&req-somethingelseyoudontget=999",
        "REQ-x=1",
        "amount=0.000000001",
        "amount=1e3",
        "amount=-1",
        "amount=１",
        "amount=1,5",
        "amount=",
        "amount=.",
        "amount=1&amount=2",
        "amount=1&AMOUNT=2",
        "amount=NaN",
    ],
)
def test_a_bip21_invoice_that_cannot_be_honoured_in_full_is_refused(query: str) -> None:
    with pytest.raises(BadPayment):
        parse_payment(f"bitcoin:{A}?{query}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"ethereum:{B}?value=2.014e18", PaymentRequest("evm", B, units=2_014_000_000_000_000_000)),
        (f"ethereum:pay-{B}@1?value=1", PaymentRequest("evm", B, chain_id=1, units=1)),
        (
            f"ethereum:{TOKEN}/transfer?address={TO}&uint256=1",
            PaymentRequest("evm", TO, contract=TOKEN, units=1),
        ),
        (
            f"ethereum:{TOKEN}@31337/transfer?address={TO}&uint256=2.5e7&gasLimit=70000",
            PaymentRequest("evm", TO, chain_id=31337, contract=TOKEN, units=25_000_000),
        ),
        (f"ETHEREUM:{B}@5", PaymentRequest("evm", B, chain_id=5)),
        (f"ethereum:{B}@1?value=.5e1&gasPrice=7&gas=21000", PaymentRequest("evm", B, chain_id=1, units=5)),
        (f"ethereum:{B}?value=+3e&label=Caf%C3%A9%00", PaymentRequest("evm", B, units=3, label="Caf\u00e9")),
        (f"ethereum:{B}%401?value=1", PaymentRequest("evm", B, chain_id=1, units=1)),
        (f"ethereum:{TOKEN}@1/transfer?address={TO}", PaymentRequest("evm", TO, chain_id=1, contract=TOKEN)),
    ],
)
def test_eip681_examples(text: str, expected: PaymentRequest) -> None:
    assert parse_payment(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ethereum:vitalik.eth?value=1",
        f"ethereum:{B}?value=0.5",
        f"ethereum:{B}?value=1.5e0",
        f"ethereum:{B}?value=1e99",
        f"ethereum:{B}?value=-1",
        f"ethereum:{TOKEN}/approve?address={TO}&uint256=1",
        f"ethereum:{TOKEN}/transferFrom?address={TO}&uint256=1",
        f"ethereum:{TOKEN}/transfer?address={TO}&uint256=1&bytes=0x00",
        f"ethereum:{TOKEN}/transfer?address={TO}&uint256=1&amount=2",
        f"ethereum:{B}?amount=1",
        f"ethereum:{B}?value=",
        f"ethereum:{B}?value=.",
        f"ethereum:{B}?value=e5",
        f"ethereum:{B}?uint256=1",
        f"ethereum:{TOKEN}/transfer?uint256=1",
        f"ethereum:{TOKEN}/transfer?address=vitalik.eth&uint256=1",
        f"ethereum:{TOKEN}/transfer?address={TO}&uint256=1&value=5",
        f"ethereum:{TOKEN}/transfer?address={TO}&address={B}&uint256=1",
        f"ethereum:{B[:-1]}",
        f"ethereum:{B}@1/transfer/more",
        "litecoin:LcHK",
        "javascript:alert(1)",
        "bitcoin:",
        "bitcoin:?amount=1",
        "x" * 3000,
    ],
)
def test_other_requests_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadPayment) as refused:
        parse_payment(text)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "lightning:LNBC20U1PVJLUEZ",
        "LNBC20M1PVJLUEZPP5QQQSYQCYQ5RQWZQF",
        "lnbcrt500u1p3xyz",
        "lnurl1dp68gurn8ghj7",
        "bitcoin:?lightning=LNBC1",
        f"bitcoin:?amount=1&lno=lno1{'q' * 20}",
    ],
)
def test_a_lightning_invoice_is_told_from_a_bad_address(text: str) -> None:
    with pytest.raises(LightningOnly):
        parse_payment(text)


def test_an_invoice_that_can_be_paid_either_way_is_paid_on_the_chain() -> None:
    assert parse_payment(f"bitcoin:{A}?lightning=LNBC1&amount=1").address == A


@pytest.mark.parametrize(
    "text", [f" {A}\n", f"\u200b{A}\ufeff", f"\u202a{A}\u202c", A[:10] + "\u200d" + A[10:], f"\t{A}\u00a0"]
)
def test_invisible_characters_are_dropped_from_a_bare_address(text: str) -> None:
    assert parse_payment(text) == PaymentRequest(None, A)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for whole in (
        text,
        "bitcoin:" + text,
        "ethereum:" + text,
        f"ethereum:{B}?value={text}",
        f"bitcoin:{A}?amount={text}",
    ):
        try:
            found = parse_payment(whole)
        except BadPayment:
            continue
        assert found.units is None or 0 <= found.units < 10**60


@given(st.integers(min_value=0, max_value=21 * 10**14))
def test_an_amount_of_ours_comes_back_to_the_satoshi(units: int) -> None:
    from tidegate.chains.bitcoin.build import payment_uri

    assert parse_payment(payment_uri(A, units)).units == units


# --- what was written is what is paid, or nothing is ------------------------------------------------------------------

ADDRESSES = st.sampled_from(
    [A, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080"]
)
HEX = st.integers(min_value=1, max_value=2**160 - 1).map(lambda number: f"0x{number:040x}")
UNITS = st.integers(min_value=0, max_value=10**59)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-256", min_size=1, max_size=10)
VALUES = st.text(max_size=12)


def percent(text: str, always: bool) -> str:
    return "".join(f"%{byte:02X}" if always or not chr(byte).isalnum() else chr(byte) for byte in text.encode())


def spelling(units: int, zeros: int) -> str:
    """The same number with an exponent."""
    digits = str(units)
    zeros = min(zeros, len(digits) - len(digits.rstrip("0")), len(digits) - 1)
    return f"{digits[: len(digits) - zeros]}e{zeros}" if zeros else digits


@given(
    ADDRESSES,
    st.integers(min_value=0, max_value=21 * 10**14),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_a_bip21_invoice_is_read_as_written_whatever_stands_beside_it(
    address: str, units: int, others: dict[str, str], encoded: bool, upper: bool
) -> None:
    assume(not any(name.startswith("req-") or name in ("amount", "label", "message") for name in others))
    amount = f"{units // 10**8}.{units % 10**8:08d}"
    pairs = [f"{name}={percent(value, encoded)}" for name, value in others.items()]
    pairs.insert(len(pairs) // 2, f"{'AMOUNT' if upper else 'amount'}={percent(amount, encoded)}")
    found = parse_payment(f"{'BITCOIN' if upper else 'bitcoin'}:{address}?{'&'.join(pairs)}")
    assert (found.kind, found.address, found.units) == ("bitcoin", address, units)


@given(
    HEX, HEX, UNITS, st.integers(min_value=0, max_value=40), st.integers(min_value=1, max_value=2**31), st.booleans()
)
def test_an_eip681_request_is_read_as_written(
    token: str, to: str, units: int, zeros: int, chain: int, swapped: bool
) -> None:
    pairs = [f"address={to}", f"uint256={spelling(units, zeros)}"]
    query = "&".join(reversed(pairs) if swapped else pairs)
    wanted = PaymentRequest("evm", to, chain, token, units)
    assert parse_payment(f"ethereum:{token}@{chain}/transfer?{query}") == wanted
    ether = parse_payment(f"ethereum:pay-{to}@{chain}?value={spelling(units, zeros)}&gas=21000")
    assert ether == PaymentRequest("evm", to, chain, None, units)


@given(
    st.sampled_from(
        [
            f"bitcoin:{A}?amount=20.3&label=Luke-Jr",
            f"ethereum:{TOKEN}@31337/transfer?address={TO}&uint256=2.5e7",
            f"ethereum:{B}@1?value=2.014e18",
        ]
    ),
    st.integers(min_value=0, max_value=80),
    st.integers(min_value=0, max_value=4),
    st.text("0123456789abcdefxABCDEF?&=@/.:%+-e \u200b", max_size=3),
)
def test_a_changed_character_never_becomes_another_address_or_amount_than_is_to_be_read(
    text: str, at: int, cut: int, put: str
) -> None:
    changed = text[:at] + put + text[at + cut :]
    try:
        found = parse_payment(changed)
    except BadPayment:
        return
    # Whoever reads the text with their own eyes finds the address in it, and the digits of the amount.
    from urllib.parse import unquote

    seen = unquote(changed.replace("\u200b", ""))
    assert found.address in seen
    if found.units:
        digits = str(found.units).rstrip("0")
        assert digits in "".join(letter for letter in seen if letter not in ".+")
