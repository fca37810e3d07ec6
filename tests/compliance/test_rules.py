"""Lists, limits and approvals as pure decisions."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.compliance import rules
from tidegate.compliance.rules import Answer, DenyList, Limits, MalformedList, Policy, Screened, Standing

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEX = "0x52908400098527886E0F7030069857D2E4169EE7"
BECH32 = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
BASE58 = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def listed(*lines: str) -> DenyList:
    return rules.read_list("\n".join(lines).encode())


@pytest.mark.parametrize("spelling", [HEX, HEX.lower(), "0x" + HEX[2:].upper()])
def test_a_listed_account_is_blocked_in_every_spelling(spelling: str) -> None:
    deny = listed(f"ethereum {HEX} OFAC SDN 12345")
    found = rules.screen("ethereum", spelling, deny, NOW)
    assert (found.verdict, found.reason) == (Screened.BLOCK, "listed: OFAC SDN 12345")


def test_bech32_is_case_blind_and_base58_is_not() -> None:
    deny = listed(f"bitcoin {BECH32}", f"bitcoin {BASE58}")
    assert rules.screen("bitcoin", BECH32.upper(), deny, NOW).verdict is Screened.BLOCK
    assert rules.screen("bitcoin", BASE58, deny, NOW).verdict is Screened.BLOCK
    assert rules.screen("bitcoin", BASE58.lower(), deny, NOW).verdict is Screened.PASS


def test_an_address_is_listed_for_its_network_only() -> None:
    deny = listed(f"ethereum {HEX}")
    assert rules.screen("polygon", HEX, deny, NOW).verdict is Screened.PASS


def test_no_list_holds_and_an_outdated_one_holds_but_still_blocks() -> None:
    assert rules.screen("ethereum", HEX, None, NOW).verdict is Screened.HOLD
    deny = listed("# valid-until: 2026-11-24T11:00:00Z", f"ethereum {HEX} bad")
    assert rules.screen("ethereum", HEX, deny, NOW).verdict is Screened.BLOCK
    other = "0x" + "1" * 40
    assert rules.screen("ethereum", other, deny, NOW).verdict is Screened.HOLD
    assert rules.screen("ethereum", other, deny, NOW - timedelta(hours=2)).verdict is Screened.PASS


@pytest.mark.parametrize(
    "raw",
    [
        b"ethereum",
        b"\xff\xfe",
        "ethereum 0x1\u200b".encode(),
        b"# valid-until: soon",
        b"# valid-until: 2026-11-24T11:00:00",
    ],
)
def test_a_list_that_cannot_be_read_whole_is_no_list(raw: bytes) -> None:
    with pytest.raises(MalformedList):
        rules.read_list(raw)


def test_comments_and_empty_lines_are_no_entries_and_the_version_is_of_the_bytes() -> None:
    one, two = listed("# sanctions", "", f"ethereum {HEX}"), listed("# other", "", f"ethereum {HEX}")
    assert one.entries == two.entries
    assert len(one.entries) == 1
    assert one.version != two.version


LIMITS = Limits(per_withdrawal=1_000_000, daily=5_000_000, review_above=500_000)


@pytest.mark.parametrize(
    ("cents", "spent", "policy", "limit"),
    [
        (500_000, 0, Policy.ALLOW, None),
        (500_001, 0, Policy.REVIEW, "review_above"),
        (1_000_000, 0, Policy.REVIEW, "review_above"),
        (1_000_001, 0, Policy.REFUSE, "per_withdrawal"),
        (100, 4_999_900, Policy.ALLOW, None),
        (101, 4_999_900, Policy.REFUSE, "daily"),
        (1, 6_000_000, Policy.REFUSE, "daily"),
        (0, 5_000_001, Policy.REFUSE, "daily"),  # the limit was lowered: the commit's counter would refuse it too
    ],
)
def test_limits_hold_at_their_edges(cents: int, spent: int, policy: Policy, limit: str | None) -> None:
    found = rules.judge(cents, spent, LIMITS)
    assert (found.policy, found.limit) == (policy, limit)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_let_through_never_passes_the_daily_limit(cents: int, spent: int) -> None:
    if rules.judge(cents, spent, LIMITS).policy is not Policy.REFUSE:
        assert spent + cents <= LIMITS.daily


@given(st.decimals(0, 10**9, places=6))
def test_dollars_become_cents_rounded_up(usd: Decimal) -> None:
    cents = rules.usd_cents(usd)
    assert cents - 1 < usd * 100 <= cents


def test_the_day_is_counted_in_utc() -> None:
    tokyo = datetime(2026, 11, 25, 8, tzinfo=timezone(timedelta(hours=9)))
    assert rules.day_of(tokyo) == date(2026, 11, 24)
    assert rules.day_ends(date(2026, 11, 24)) == datetime(2026, 11, 25, tzinfo=UTC)


@given(st.integers(1, 4), st.lists(st.sampled_from(list(Answer)), max_size=5))
def test_one_no_rejects_and_only_enough_yeses_approve(needed: int, given_answers: list[Answer]) -> None:
    answers = {uuid.uuid4(): one for one in given_answers}
    found = rules.standing(needed, answers)
    if Answer.REJECT in given_answers:
        assert found is Standing.REJECTED
    else:
        assert (found is Standing.APPROVED) == (len(given_answers) >= needed)
