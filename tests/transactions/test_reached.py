"""Every state and every reason to wait is reached by a test, and has its words in the API, on the page and for operators."""

import ast
import itertools
import json
import re
from functools import cache
from pathlib import Path

import pytest

from tidegate.transactions.rules import ENDED, EXITS, State, SubStatus, WaitingFor, waiting_for

ROOT = Path(__file__).parents[2]
WORDS = json.loads((ROOT / "frontend/public/locales/en/transactions.json").read_text())
ASIDES = {"slower_than_usual", "replaced"}
"""What is said beside the state's own sentence, and not in its place."""
WHOLE_WAY = "test_rules.py::test_each_event_says_who_why_on_what_grounds_from_where_and_to_where"
REACHED: dict[State | SubStatus, str] = {
    State.PENDING_VERIFICATION: WHOLE_WAY,
    State.PENDING_SCREENING: WHOLE_WAY,
    State.PENDING_APPROVAL: "test_pipeline.py::test_what_needs_a_person_waits_for_one_and_does_what_they_say",
    State.QUEUED: WHOLE_WAY,
    State.SIGNING: WHOLE_WAY,
    State.BROADCASTING: WHOLE_WAY,
    State.CONFIRMING: WHOLE_WAY,
    State.COMPLETED: WHOLE_WAY,
    State.CANCELLED: "test_intervene.py::test_rejected_it_ends_and_the_money_is_back",
    State.REJECTED: "test_pipeline.py::test_a_denied_address_is_rejected_and_the_money_given_back",
    State.EXPIRED: "test_verify.py::test_what_nobody_confirms_expires_and_gives_everything_back",
    State.FAILED: "test_pipeline.py::test_a_payment_that_the_chain_took_and_did_not_make_fails_and_is_refunded",
    SubStatus.HOLD: "test_intervene.py::test_held_it_stands_still_where_it_is_until_it_is_released",
    SubStatus.PERSON_REVIEWING: "test_pipeline.py::test_what_needs_a_person_waits_for_one_and_does_what_they_say",
    SubStatus.AWAITING_LIQUIDITY: "test_pipeline.py::test_without_inventory_it_waits_for_funds_and_goes_on_with_them",
    SubStatus.AWAITING_BATCH: "test_sets.py::test_the_first_one_waits_for_company_and_says_so",
    SubStatus.AWAITING_SIGNER: "test_pipeline.py::test_without_a_signature_it_waits_and_goes_on_with_one",
    SubStatus.AWAITING_NODE: "test_pipeline.py::test_without_its_node_it_waits_where_it_stands_and_goes_on",
    SubStatus.BROADCAST_UNKNOWN: "test_pipeline.py::test_a_broadcast_without_an_answer_is_unknown_and_the_same_bytes_go_again",
    SubStatus.SLOWER_THAN_USUAL: "test_pipeline.py::test_late_is_said_and_taken_back_at_its_end",
    SubStatus.REPLACED: "test_sets.py::test_a_payment_that_waits_too_long_is_replaced_by_a_dearer_one_with_its_coins",
    SubStatus.REORGED: "test_pipeline.py::test_a_payment_that_a_reorg_took_out_is_sent_again_and_settled_once",
    SubStatus.NEEDS_OPERATOR: "test_pipeline.py::test_what_the_signer_denies_waits_for_a_person_and_leaves_no_hole_in_the_nonces",
    SubStatus.FROZEN: "test_pipeline.py::test_a_pause_freezes_what_is_queued_until_it_is_lifted",
}


@cache
def _sources(file: str) -> dict[str, str]:
    """By name, each test of a file with its decorators."""
    text = (ROOT / "tests/transactions" / file).read_text()
    lines, found = text.splitlines(), {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@pytest.mark.parametrize("word", [*State, *SubStatus])
def test_each_is_reached_by_a_test_that_names_it(word: State | SubStatus) -> None:
    file, _, name = REACHED[word].partition("::")
    assert f'"{word.value}"' in _sources(file)[name]


def test_every_word_for_what_is_waited_for_comes_of_a_state_that_is_reached() -> None:
    assert set(REACHED) == {*State, *SubStatus}
    pairs = itertools.product(State, [None, *SubStatus], [False, True])
    told = {waiting_for(state, sub, converting=both) for state, sub, both in pairs}
    assert told == {None, *WaitingFor}
    # The one that is not told of every withdrawal has a test of its own.
    assert (
        '"venue"'
        in _sources("test_same_words.py")["test_what_a_conversion_owes_and_nothing_covers_waits_for_the_venue"]
    )


def test_the_page_has_words_for_each_and_none_for_what_is_not_there() -> None:
    story, states = WORDS["story"], {one.value for one in State}
    subs = {one.value for one in SubStatus}
    assert states <= set(WORDS["state"])
    assert set(story) == states | ASIDES | {"unconfirmed", "other", "sub"}
    assert set(story["sub"]) == subs - ASIDES
    told = [story[name] for name in (*states, "unconfirmed", "other")] + list(story["sub"].values())
    for one in told:
        assert one["sentence"]
        assert one.get("next") or (one["next_one"] and one["next_other"])
    assert all(isinstance(story[name], str) for name in ASIDES)


def test_the_api_says_what_each_value_may_be() -> None:
    shapes = json.loads((ROOT / "clients/openapi.json").read_text())["components"]["schemas"]
    fields = shapes["WithdrawalOut"]["properties"]
    for field, values in (("state", State), ("sub_status", SubStatus), ("waiting_for", WaitingFor)):
        assert re.findall(r"`([a-z_]+)`", fields[field]["description"]) == [one.value for one in values]


def test_operators_read_how_each_wait_ends_and_when_they_are_alarmed() -> None:
    page = (ROOT / "docs/operators.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", page, re.M)
    told = {row[0]: row for row in rows}
    for reason, out in EXITS.items():
        state, sub = (reason, None) if isinstance(reason, State) else (State.QUEUED, reason)
        waits = waiting_for(state, sub)
        _, for_whom, way, after = told[reason.value]
        assert for_whom == (f"`{waits.value}`" if waits is not None else "us")
        assert (way, after) == (out.way, _span(out.patience.total_seconds()))
    assert not ENDED & set(EXITS)


def _span(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
