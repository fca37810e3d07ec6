"""What people paste, read in full or refused: BIP21, EIP-681, bare addresses with invisible company."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.chains.uri import BadPayment, PaymentRequest, parse_payment

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
