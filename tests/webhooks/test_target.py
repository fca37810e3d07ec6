"""Where a webhook never goes: security.md number 29's corpus, judged before anything is resolved or after."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.webhooks.target import Forbidden, Target, is_public, judge_url, may_reach

VECTORS = Path(__file__).parents[1] / "vectors"
INNER = (VECTORS / "webhook-addresses-never.txt").read_text().splitlines()
NEVER = [
    *(VECTORS / "webhook-urls-never.txt").read_text().splitlines(),
    # What a line of a file cannot hold.
    "",
    " https://shop.example/",
    "https://shop.example/ ",
    "https://shop.example/a b",
    "https://shop.example/a\tb",
    "https://shop.example/\n",
    "https://shop.example/\r\nHost: inner",
    "https://shop.example\t/",
    "https://shop\u00ad.example/",
    "https://shop.example/\x00",
    "https://" + "a" * 64 + ".example/",
    "https://shop.example/" + "a" * 500,
    "https://" + "a." * 130 + "example/",
]


@pytest.mark.parametrize("sandboxed", [False, True])
@pytest.mark.parametrize("url", NEVER)
def test_nothing_is_sent_to(url: str, sandboxed: bool) -> None:
    with pytest.raises(Forbidden):
        judge_url(url, sandboxed=sandboxed)


@pytest.mark.parametrize("address", INNER)
def test_a_name_may_not_lead_to(address: str) -> None:
    assert not may_reach(Target("https", "shop.example", 443, "/", loopback=False), address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_hosts_of_the_public_internet_are_reached(address: str) -> None:
    assert may_reach(Target("https", "shop.example", 443, "/", loopback=False), address)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://shop.example", "https://93.184.216.34:443", "/"),
        ("https://shop.example:443/a%20b?x=1&y=2", "https://93.184.216.34:443", "/a%20b?x=1&y=2"),
        ("https://xn--mnchen-3ya.example/hooks", "https://93.184.216.34:443", "/hooks"),
        ("https://shop.example?only=query", "https://93.184.216.34:443", "/?only=query"),
    ],
)
def test_a_public_https_url_is_read_as_it_stands(url: str, origin: str, path: str) -> None:
    found = judge_url(url, sandboxed=False)
    assert (found.at("93.184.216.34"), found.path, found.loopback) == (origin, path, False)


@pytest.mark.parametrize("url", ["http://localhost:4000/hooks", "http://127.0.0.1:4000/", "http://[::1]:4000/"])
def test_plain_http_goes_to_loopback_in_the_sandbox_alone(url: str) -> None:
    found = judge_url(url, sandboxed=True)
    assert found.loopback and may_reach(found, "127.0.0.1") and not may_reach(found, "8.8.8.8")
    with pytest.raises(Forbidden):
        judge_url(url, sandboxed=False)


@given(st.integers(0, 2**32 - 1))
def test_no_address_passes_in_disguise(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    for disguise in (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not is_public(ipaddress.IPv6Address(disguise))
    if is_public(plain):
        assert plain.is_global and not plain.is_multicast


@given(st.text("abz019./:?#@[]%\\ \t\n\x00-_é\u3002\uff0f", max_size=60))
def test_whatever_stands_there_is_judged_and_never_breaks_the_reader(rest: str) -> None:
    try:
        found = judge_url(f"https://shop.example{rest}", sandboxed=False)
    except Forbidden:
        return
    assert found.host.startswith("shop.example") and found.port == 443 and found.path.isascii()
