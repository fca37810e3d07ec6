"""The signature, against the vectors of Binance's own documentation."""

import pytest

from tidegate.venues.binance.sign import encode, signature, signed

SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
TAIL = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
LTCBTC = b"c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
DIGITS = b"e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
MIXED = b"0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"


def parameters(symbol: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in TAIL.split("&")]
    return [("symbol", symbol), *((key, value) for key, _, value in pairs)]


@pytest.mark.parametrize(("symbol", "expected"), [("LTCBTC", LTCBTC), ("１２３４５６", DIGITS)])
def test_the_official_vectors_are_reproduced(symbol: str, expected: bytes) -> None:
    assert signature(SECRET, encode(parameters(symbol))) == expected
    assert signature(SECRET, b"", encode(parameters(symbol))) == expected


def test_a_request_split_over_query_and_body_signs_both_with_nothing_between() -> None:
    query = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    body = b"quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    assert signature(SECRET, query, body) == MIXED


def test_parameters_are_encoded_before_they_are_signed() -> None:
    assert encode([("symbol", "１"), ("a", "b c+d&e=f/~")]) == b"symbol=%EF%BC%91&a=b%20c%2Bd%26e%3Df%2F~"


def test_the_signature_is_appended_last_to_the_very_bytes_it_covers() -> None:
    payload = signed(SECRET, parameters("LTCBTC"))
    assert payload == f"symbol=LTCBTC&{TAIL}".encode() + b"&signature=" + LTCBTC
