"""Kraken's signature, against the vector of its own documentation."""

import pytest

from tidegate.venues.kraken.sign import encode, secret_of, signature

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = 1616492376594
BODY = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
SIGNED = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="


def test_the_official_vector_is_reproduced() -> None:
    assert signature(secret_of(SECRET), "/0/private/AddOrder", NONCE, BODY) == SIGNED


def test_the_body_begins_with_the_nonce_and_is_encoded_once() -> None:
    parameters = [("ordertype", "limit"), ("pair", "XBTUSD"), ("price", "37500"), ("type", "buy"), ("volume", "1.25")]
    assert encode(NONCE, parameters) == BODY
    assert encode(1, [("key", "my wallet+é")]) == b"nonce=1&key=my+wallet%2B%C3%A9"


@pytest.mark.parametrize("secret", ["not base64!", "abc"])
def test_a_secret_that_is_no_base64_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="not base64"):
        secret_of(secret)
