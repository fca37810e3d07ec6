"""A signer that has heard a later holder of a set hears no earlier one of it again, whatever it asks and however often it
was started since. The lease is the worker's, the number is the database's; the signer only remembers the highest."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.signer.world import NOW, settings, sign_evm, usdt
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.frames import canonical, parse
from tidegate.signing.messages import (
    Answer,
    Approved,
    Denied,
    Fence,
    Malformed,
    Rule,
    SignEvm,
    fence_of,
    request_of,
    wrap,
)

DEARER = {"max_fee_per_gas": 40 * 10**9, "max_priority_fee_per_gas": 10**10}
Opened = Callable[[], Desk]


@pytest.fixture
def opened(seed: Seed, tmp_path: Path) -> Iterator[Opened]:
    """A desk; opened again it goes on with the same journal."""
    journals: list[Journal] = []

    def start() -> Desk:
        for journal in journals:
            journal.close()
        journals.append(Journal(tmp_path / "journal.jsonl"))
        configured = settings(tmp_path)
        return Desk(
            open_vaults(seed, configured), policies_of(configured), journals[-1], tmp_path / "frozen", lambda: NOW
        )

    yield start
    for journal in journals:
        journal.close()


def approved(answer: Answer) -> Approved:
    assert isinstance(answer, Approved), answer
    return answer


def overtaken(answer: Answer) -> Denied:
    assert isinstance(answer, Denied) and answer.rule == Rule.OLD_FENCE, answer
    return answer


def dearer(request: SignEvm, before: Approved) -> SignEvm:
    return sign_evm(request.intent, nonce=request.nonce, replaces=before.txid, **DEARER)


def test_an_earlier_holder_is_denied_what_it_would_have_been_given(opened: Opened) -> None:
    desk, request = opened(), sign_evm(usdt(), nonce=3)
    first = approved(desk.sign(request, Fence("set", 4)))
    approved(desk.sign(request, Fence("set", 5)))
    assert overtaken(desk.sign(dearer(request, first), Fence("set", 4))).signed
    approved(desk.sign(dearer(request, first), Fence("set", 5)))


def test_the_same_holder_and_every_later_one_get_the_same_bytes(opened: Opened) -> None:
    desk, request = opened(), sign_evm(usdt(), nonce=3)
    answers = {approved(desk.sign(request, Fence("set", number))).raw for number in (1, 1, 2, 9)}
    assert len(answers) == 1
    overtaken(desk.sign(request, Fence("set", 8)))


def test_fences_of_other_sets_say_nothing(opened: Opened) -> None:
    desk = opened()
    approved(desk.sign(sign_evm(usdt(), nonce=3), Fence("one", 7)))
    approved(desk.sign(sign_evm(usdt(), nonce=4), Fence("other", 1)))


def test_a_holder_who_was_refused_was_heard_all_the_same(opened: Opened) -> None:
    desk = opened()
    refused = desk.sign(sign_evm(usdt(), chain_id=1), Fence("set", 2))
    assert isinstance(refused, Denied) and refused.rule == Rule.WRONG_NETWORK
    overtaken(desk.sign(sign_evm(usdt(), nonce=3), Fence("set", 1)))


@pytest.mark.parametrize("heard", ["signed", "told again", "refused", "refused again", "frozen"])
def test_a_signer_that_was_started_again_remembers_whom_it_heard(opened: Opened, tmp_path: Path, heard: str) -> None:
    desk, request, never = opened(), sign_evm(usdt(), nonce=3), sign_evm(usdt(), chain_id=1)
    if heard == "told again":
        desk.sign(request, Fence("set", 1))
    if heard == "refused again":
        desk.sign(never, Fence("set", 1))
    if heard == "frozen":
        (tmp_path / "frozen").touch()
    desk.sign(never if heard.startswith("refused") else request, Fence("set", 2))
    (tmp_path / "frozen").unlink(missing_ok=True)
    again = opened()
    overtaken(again.sign(request, Fence("set", 1)))
    approved(again.sign(request, Fence("set", 2)))


def test_a_fence_that_is_known_adds_no_line(opened: Opened) -> None:
    desk, request = opened(), sign_evm(usdt(), nonce=3)
    desk.sign(request, Fence("set", 1))
    lines = desk.status().journal_lines
    desk.sign(request, Fence("set", 1))
    assert desk.status().journal_lines == lines
    desk.sign(request, Fence("set", 2))
    assert desk.status().journal_lines == lines + 1


def test_a_fence_passes_the_socket_beside_the_request() -> None:
    request, under = sign_evm(usdt()), Fence("set", 12)
    document = parse(canonical(wrap(request, under)))
    assert (request_of(document), fence_of(document)) == (request, under)
    assert fence_of(parse(canonical(wrap(request)))) is None
    for wrong in ({"set_id": "set"}, {"set_id": "set", "number": "1"}, {"set_id": "set", "number": -1}, 3):
        with pytest.raises(Malformed):
            fence_of(document | {"fence": wrong})
