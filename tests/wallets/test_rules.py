"""The pure decisions on deposits and destinations, over everything they may be given."""

import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.ledger.rules import AccountRef, customer, house
from tidegate.wallets import rules
from tidegate.wallets.rules import (
    GONE,
    REORGED,
    BeneficiaryState,
    Booked,
    Deposit,
    DepositState,
    Known,
    Move,
    Reason,
    Seen,
    Step,
    Tags,
    Terms,
    Tier,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
USER = uuid.UUID(int=7)
TERMS = Terms(minimum_units=100, listed=True, paused=False)
NO_TAGS = Tags()


def deposit(**given: object) -> Deposit:
    fields: dict[str, object] = {
        "id": uuid.UUID(int=1),
        "user_id": USER,
        "network": "ethereum",
        "asset": "USDT",
        "units": 1000,
        "state": DepositState.DETECTED,
        "sub_status": None,
        "booked": None,
        "epoch": 0,
        "version": 1,
        "confirmations": 0,
        "required": 3,
        "block_hash": None,
        "since": NOW,
    } | given
    fields.setdefault("deep", int(str(fields["confirmations"])) >= int(str(fields["required"])))
    return Deposit(**fields)  # type: ignore[arg-type]


def taken(one: Deposit, terms: Terms, now: datetime) -> Deposit:
    """The deposit after its step was booked, as the store writes it; money moved is not modelled here."""
    step = rules.step(one, terms)
    if step is None:
        return one
    booked = {Move.CREDIT: Booked.CUSTOMER, Move.SUSPEND: Booked.SUSPENSE, Move.UNDO: None}.get(step.move, one.booked)
    epoch = one.epoch + (step.move is Move.UNDO)
    return replace(one, state=step.state, sub_status=step.sub_status, booked=booked, epoch=epoch, since=now)


def seen_by(one: Deposit, seen: Seen, now: datetime, tags: Tags = NO_TAGS) -> Deposit:
    shown = rules.shown(one, seen, tags, now)
    return replace(
        one,
        state=shown.state,
        sub_status=shown.sub_status,
        confirmations=shown.confirmations,
        deep=shown.deep,
        block_hash=shown.block_hash,
    )


sightings = st.one_of(
    st.just(GONE),
    st.just(Seen(0, None, None)),
    st.builds(lambda depth, block: Seen(depth, block, 100), st.integers(1, 8), st.sampled_from(["0xa", "0xb", "0xc"])),
)
terms_given = st.builds(Terms, st.sampled_from([1, 1000, 1001]), st.booleans(), st.booleans())


@given(st.lists(st.tuples(sightings, terms_given), max_size=30))
def test_whatever_the_chain_does_only_deep_deposits_are_booked_and_each_booking_is_undone_once(
    story: list[tuple[Seen, Terms]],
) -> None:
    one, keys = deposit(), set()
    for seen, terms in story:
        before = one
        one = seen_by(one, seen, NOW)
        step = rules.step(one, terms)
        if step is not None and step.move in (Move.CREDIT, Move.SUSPEND):
            assert seen.confirmations >= 3
            assert one.booked is None
            posting = rules.credit(one, 0) if step.move is Move.CREDIT else rules.suspend(one)
            assert posting.key not in keys
            keys.add(posting.key)
        if step is not None and step.move is Move.UNDO:
            posting = rules.undo(one, 0, one.units, 0).posting
            assert posting.key not in keys
            keys.add(posting.key)
        if before.booked is not None and seen.confirmations >= 3:
            assert step is None
        if before.booked is not None and seen.confirmations <= 0:
            assert step is not None
            assert step.move is Move.UNDO
        one = taken(one, terms, NOW)
        # The database's own constraint.
        assert (one.state is DepositState.CREDITED) == (one.booked is Booked.CUSTOMER)


@given(st.lists(sightings, max_size=12), st.lists(sightings, max_size=3))
def test_a_crash_between_seeing_and_booking_leads_to_the_same_books(story: list[Seen], lost: list[Seen]) -> None:
    """The rows that `lost` scans stored were never booked from; the deep sighting after them settles all."""
    calm, crashed = deposit(), deposit()
    for seen in story:
        calm = taken(seen_by(calm, seen, NOW), TERMS, NOW)
        crashed = taken(seen_by(crashed, seen, NOW), TERMS, NOW)
    for seen in lost:
        crashed = seen_by(crashed, seen, NOW)
    last = Seen(5, "0xz", 200)
    for _ in range(2):
        calm, crashed = (taken(seen_by(one, last, NOW), TERMS, NOW) for one in (calm, crashed))
    assert (calm.state, calm.booked) == (crashed.state, crashed.booked) == (DepositState.CREDITED, Booked.CUSTOMER)


@given(st.integers(1, 10**30), st.integers(0, 10**30))
def test_a_credit_books_every_unit_repaying_debts_first(units: int, owed: int) -> None:
    posting = rules.credit(deposit(units=units), owed)
    booked = {t.credit: t.units for t in posting.transfers}
    assert sum(booked.values()) == units
    assert booked.get(house("receivable", "USDT"), 0) == min(owed, units)
    assert all(t.debit == house("wallet:deposit", "USDT", "ethereum") for t in posting.transfers)


@given(st.integers(1, 10**30), st.integers(0, 10**30), st.integers(0, 10**30), st.integers(0, 10**30))
def test_an_undone_credit_is_whole_wherever_its_coin_stands_and_whoever_has_the_money(
    units: int, available: int, at_deposit: int, at_hot: int
) -> None:
    one = deposit(units=units, booked=Booked.CUSTOMER, state=DepositState.CREDITED)
    undone = rules.undo(one, available, at_deposit, at_hot)
    debits: Counter[AccountRef] = Counter()
    credited: Counter[AccountRef] = Counter()
    for t in undone.posting.transfers:
        debits[t.debit] += t.units
        credited[t.credit] += t.units
    assert debits.total() == credited.total() == units
    assert debits[customer(USER, "available", "USDT")] == min(available, units)
    assert debits[house("receivable", "USDT")] == undone.owed == units - min(available, units)
    # Nothing is taken that is not there, and the hot wallet gives only what the deposit wallet lacks.
    assert credited[house("wallet:deposit", "USDT", "ethereum")] == min(units, at_deposit)
    assert credited[house("wallet:hot", "USDT", "ethereum")] == min(units - min(units, at_deposit), at_hot)
    assert undone.spent == (at_deposit < units)


def test_a_coin_that_is_known_to_have_been_moved_on_is_the_hot_wallets() -> None:
    one = deposit(units=10, booked=Booked.CUSTOMER, state=DepositState.CREDITED, swept=True)
    undone = rules.undo(one, 10, 50, 50)
    assert {t.credit for t in undone.posting.transfers} == {house("wallet:hot", "USDT", "ethereum")}
    assert undone.spent


@given(st.integers(1, 10**30), st.integers(0, 10**30), st.integers(0, 10**30), st.integers(0, 10**30))
def test_an_undone_suspense_owes_nothing(units: int, available: int, at_deposit: int, at_hot: int) -> None:
    one = deposit(units=units, booked=Booked.SUSPENSE, state=DepositState.BELOW_MINIMUM)
    undone = rules.undo(one, available, at_deposit, at_hot)
    assert undone.owed == 0
    assert all(t.debit == house("suspense", "USDT") for t in undone.posting.transfers)
    assert sum(t.units for t in undone.posting.transfers) == min(units, at_deposit + at_hot)


def test_the_greatest_tier_that_a_payment_reaches_decides_how_deep_it_must_be() -> None:
    tiers = [Tier("USDT", 100, 6), Tier("USDT", 1000, 12, "finalized"), Tier("ETH", 1, 99)]
    assert [rules.need(tiers, "USDT", units, 3).confirmations for units in (99, 100, 999, 1000)] == [3, 6, 6, 12]
    assert rules.need(tiers, "USDT", 5000, 3).finality == "finalized"
    assert rules.need([], "USDT", 5000, 3).confirmations == 3


@given(st.integers(1, 30), st.integers(1, 200), st.one_of(st.none(), st.integers(1, 200)))
def test_a_payment_that_waits_for_a_tag_is_not_deep_before_it(depth: int, height: int, tag: int | None) -> None:
    one = deposit(finality="finalized")
    shown = rules.shown(one, Seen(depth, "0xa", height), Tags(safe=10**6, finalized=tag), NOW)
    assert shown.deep == (depth >= 3 and tag is not None and height <= tag)


def test_an_unknown_token_is_shown_and_in_no_book() -> None:
    step = rules.step(deposit(asset="UNKNOWN", confirmations=3, block_hash="0xa"), replace(TERMS, listed=False))
    assert step == Step(Move.NOTE, DepositState.UNKNOWN_ASSET)


@pytest.mark.parametrize("reason", list(Reason))
def test_what_a_person_must_look_at_is_held_until_they_have(reason: Reason) -> None:
    one = deposit(confirmations=3, block_hash="0xa", reason=reason)
    assert rules.step(one, TERMS) == Step(Move.SUSPEND, DepositState.HELD)
    assert rules.step(replace(one, explained=True), TERMS) == Step(Move.CREDIT, DepositState.CREDITED)


def test_a_network_is_behind_when_it_was_not_read_or_has_many_blocks_to_read() -> None:
    def behind(height: int, scanned: int, age: float) -> str | None:
        return rules.behind(height=height, scanned_height=scanned, scanned_at=NOW - timedelta(seconds=age), now=NOW)

    assert behind(100, 100, 1) is None
    assert behind(100, 90, 1) is None
    assert "11 to go" in (behind(101, 90, 1) or "")
    assert behind(100, 100, 61) is not None
    assert rules.behind(height=None, scanned_height=None, scanned_at=None, now=NOW) is not None


@pytest.mark.parametrize(
    ("units", "state"), [(99, DepositState.BELOW_MINIMUM), (100, DepositState.CREDITED), (101, DepositState.CREDITED)]
)
def test_the_minimum_itself_is_enough(units: int, state: DepositState) -> None:
    step = rules.step(deposit(units=units, confirmations=3, block_hash="0xa", state=DepositState.CONFIRMING), TERMS)
    assert step is not None
    assert step.state is state


def test_an_asset_nobody_can_hold_is_kept_apart() -> None:
    step = rules.step(deposit(confirmations=3, block_hash="0xa"), replace(TERMS, listed=False))
    assert step is not None
    assert (step.move, step.state) == (Move.SUSPEND, DepositState.UNKNOWN_ASSET)


def test_doubt_outlives_a_scan_that_was_not_booked_from() -> None:
    one = deposit(state=DepositState.CREDITED, booked=Booked.CUSTOMER, confirmations=3, block_hash="0xa")
    moved = seen_by(one, Seen(1, "0xb", 100), NOW)
    again = seen_by(moved, Seen(1, "0xb", 100), NOW)
    assert (moved.sub_status, again.sub_status) == (REORGED, REORGED)
    deep = seen_by(again, Seen(3, "0xb", 100), NOW)
    assert (deep.sub_status, rules.step(deep, TERMS)) == (None, None)


def test_a_detected_payment_that_vanishes_was_replaced_and_one_that_was_mined_was_reorged() -> None:
    never_mined = seen_by(deposit(), GONE, NOW)
    mined = seen_by(deposit(state=DepositState.CONFIRMING, confirmations=1, block_hash="0xa"), GONE, NOW)
    assert (never_mined.state, never_mined.sub_status) == (DepositState.REORGED, "replaced")
    assert (mined.state, mined.sub_status) == (DepositState.REORGED, "reorged")


PROMISE = rules.promised(NOW, 3, 10.0)


@pytest.mark.parametrize("state", list(DepositState))
def test_every_state_that_waits_says_for_whom(state: DepositState) -> None:
    ends = {DepositState.CREDITED, DepositState.BELOW_MINIMUM, DepositState.UNKNOWN_ASSET}
    found = rules.waits(state, REORGED if state is DepositState.REORGED else None, PROMISE, node_fit=True, now=NOW)
    assert (found.waiting_for is None) == (state in ends)


def test_the_promise_stands_from_first_sight_and_being_late_is_said() -> None:
    assert NOW + timedelta(seconds=80) == PROMISE
    for state in (DepositState.DETECTED, DepositState.CONFIRMING):
        in_time = rules.waits(state, None, PROMISE, node_fit=True, now=PROMISE)
        late = rules.waits(state, None, PROMISE, node_fit=True, now=PROMISE + timedelta(seconds=1))
        assert (in_time.sub_status, in_time.expected_by) == (None, PROMISE)
        assert (late.sub_status, late.waiting_for, late.expected_by) == ("slower_than_usual", "network", PROMISE)


def test_a_node_that_cannot_be_decided_from_is_what_is_waited_for() -> None:
    found = rules.waits(DepositState.CONFIRMING, None, PROMISE, node_fit=False, now=NOW)
    assert (found.sub_status, found.waiting_for) == ("awaiting_node", "node")


BECH32 = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
HEX = "0x52908400098527886E0F7030069857D2E4169EE7"


def named(address: str, network: str = "ethereum", source: Literal["saved", "paid", "own"] = "saved") -> Known:
    return Known(network, address, source, "Ben", NOW)


@pytest.mark.parametrize(
    ("address", "twin"),
    [
        (HEX, "0x5290ffffffffffffffffffffffffffffffff9EE7"),
        (HEX.lower(), "0x5290FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF9ee7"),
        (BECH32, "bcrt1qw508zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzt080"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXvfNa"),
    ],
)
def test_same_ends_and_another_middle_is_a_lookalike(address: str, twin: str) -> None:
    known = [named("0x0"), named(address)]
    assert rules.lookalike(twin, known) is known[1]


@pytest.mark.parametrize(
    "other",
    [
        HEX,
        HEX.lower(),
        "0x5290840009852788" + "6" * 23 + "8",
        "0x6290ffffffffffffffffffffffffffffffff9EE7",
    ],
)
def test_the_same_address_and_one_with_another_end_are_no_lookalikes(other: str) -> None:
    assert rules.lookalike(other, [named(HEX)]) is None


def test_two_addresses_of_one_network_are_not_alike_by_their_prefix() -> None:
    assert rules.lookalike("bcrt1qaaaaa" + "q" * 28 + "t080", [named(BECH32)]) is None


def test_cooling_down_ends_by_the_clock() -> None:
    until = NOW + timedelta(hours=1)
    cooling = BeneficiaryState.COOLING_DOWN
    assert rules.beneficiary_state(cooling, until, NOW) is cooling
    assert rules.beneficiary_state(cooling, until, until) is BeneficiaryState.ACTIVE
    assert rules.beneficiary_state(BeneficiaryState.SUSPENDED, until, until) is BeneficiaryState.SUSPENDED


# --- addresses named without their saved entry ------------------------------------------------------------------------

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("saved_from", "paid_since", "expected"),
    [
        (None, None, NOW + HOUR),
        (NOW - HOUR, None, NOW - HOUR),
        (NOW + HOUR / 2, None, NOW + HOUR / 2),
        (None, NOW - HOUR * 3, NOW - HOUR * 2),
        (None, NOW - HOUR / 4, NOW + HOUR * 3 / 4),
        (NOW + HOUR / 2, NOW - HOUR * 3, NOW - HOUR * 2),
    ],
)
def test_a_bare_address_is_payable_when_its_saved_entry_is_or_a_cool_down_after_it_was_first_paid(
    saved_from: datetime | None, paid_since: datetime | None, expected: datetime
) -> None:
    assert rules.payable_from(saved_from, paid_since, HOUR, NOW) == expected


def test_known_on_another_network_alone_is_said_and_ones_own_deposits_prove_nothing() -> None:
    base = named(HEX, "base")
    assert rules.only_elsewhere(HEX, "ethereum", [base])
    assert not rules.only_elsewhere(HEX, "ethereum", [base, named(HEX)])
    assert not rules.only_elsewhere(HEX, "ethereum", [named(HEX, "base", "own")])
    assert not rules.only_elsewhere(HEX, "ethereum", [named("0x1", "base")])
