"""The pure decisions of auth."""

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.auth import rules
from tidegate.auth.rules import RefreshToken, Turn
from tidegate.database import new_id

NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "is_code"),
    [("123456", True), ("12345", False), ("1234567", False), ("123456\n", False), ("12345６", False), ("１２３４５６", False),
     ("𝟏𝟐𝟑𝟒𝟓𝟔", False), ("١٢٣٤٥٦", False), (" 123456", False), ("", False)],
)  # fmt: skip
def test_a_code_is_six_ascii_digits_and_nothing_else(code: str, is_code: bool) -> None:
    assert rules.is_totp_code(code) is is_code


def test_the_step_before_the_present_and_the_next_are_taken() -> None:
    assert rules.steps_around(NOW) == (rules.step_at(NOW) - 1, rules.step_at(NOW), rules.step_at(NOW) + 1)
    assert rules.seconds_to_next_step(NOW) == 20
    assert rules.seconds_to_next_step(NOW.replace(second=30)) == 30


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("x" * 14, False),
        ("x" * 15, True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("é" * 15, True),
        ("passwordpassword", False),
        ("PasswordPassword", False),
        ("123456789012345", False),
        ("ana@demo.example", False),
        ("ana@demo.example2026", False),
        ("tidegate-tidegate-1", False),
        ("tidegate harbour light", True),
        ("a lighthouse keeps no diary", True),
    ],
)
def test_a_password_has_15_to_128_characters_and_is_not_the_first_guess(password: str, fine: bool) -> None:
    assert (rules.password_fault(password, email="ana@demo.example", brand="Tidegate") is None) is fine


def test_two_spellings_of_one_character_are_one_password() -> None:
    assert rules.normal_password("e\u0301") == rules.normal_password("é")


@pytest.mark.parametrize("email", ["Ana@Demo.Example", " ana@demo.example ", "ANA@DEMO.EXAMPLE"])
def test_an_account_is_found_however_its_address_is_written(email: str) -> None:
    assert rules.canonical_email(email) == "ana@demo.example"


@pytest.mark.parametrize("email", ["", "ana", "a\x00na@demo.example", "x@" + "y" * 300])
def test_what_can_be_nobodys_address_is_nobody(email: str) -> None:
    assert rules.canonical_email(email) is None


def test_recovery_codes_are_read_however_they_are_typed() -> None:
    assert rules.bare_recovery_code("abcd-efgh-2345-6723") == "ABCDEFGH23456723"
    assert rules.bare_recovery_code("ABCD EFGH 2345 6723") == "ABCDEFGH23456723"
    assert rules.bare_recovery_code("ABCDEFGH2345672") is None
    assert rules.bare_recovery_code("ＡBCDEFGH23456723") is None
    assert rules.spelled_recovery_code("ABCDEFGH23456723") == "ABCD-EFGH-2345-6723"


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("::ffff:192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
     ("", "unknown"), ("nonsense", "unknown")],
)  # fmt: skip
def test_a_household_counts_as_one_network(address: str, network: str) -> None:
    assert rules.network_of(address) == network


def test_the_cookie_carries_the_port_on_plain_http_only() -> None:
    assert rules.cookie_name("https://pay.example", 8000) == "__Host-sid"
    assert rules.cookie_name("http://localhost:8000", 8000) == "__Host-sid-8000"


def test_only_the_sandbox_takes_the_other_names_of_loopback() -> None:
    assert rules.origins_of("https://pay.example/", 8000, sandboxed=False) == {"https://pay.example"}
    assert "http://127.0.0.1:8000" in rules.origins_of("http://localhost:8000", 8000, sandboxed=True)


@pytest.mark.parametrize(
    ("changes", "device", "seconds", "turn"),
    [
        ({}, b"a", 0, Turn.ROTATE),
        ({}, b"b", 0, Turn.ROTATE),
        ({"alive": False}, b"a", 0, Turn.REFUSE),
        ({}, b"a", 7 * 86400, Turn.REFUSE),
        ({"expires_at": NOW}, b"a", 0, Turn.REFUSE),
        ({"used_at": NOW}, b"a", 10, Turn.REPEAT),
        ({"used_at": NOW}, b"a", 11, Turn.KILL),
        ({"used_at": NOW}, b"b", 1, Turn.KILL),
        ({"used_at": NOW, "successor_used": True}, b"a", 1, Turn.KILL),
        ({"used_at": NOW, "alive": False}, b"a", 1, Turn.REFUSE),
    ],
)
def test_a_refresh_token_turns_repeats_or_kills(
    changes: dict[str, object], device: bytes, seconds: int, turn: Turn
) -> None:
    fields: dict[str, object] = {
        "id": new_id(), "session_id": new_id(), "user_id": new_id(), "issued_at": NOW,
        "expires_at": NOW + timedelta(days=30), "used_at": None, "device": b"a", "alive": True, "successor_used": False,
    }  # fmt: skip
    token = RefreshToken(**(fields | changes))  # type: ignore[arg-type]
    assert rules.judge_refresh(token, device=device, now=NOW + timedelta(seconds=seconds)) is turn
