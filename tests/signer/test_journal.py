"""The signer's memory survives what a machine does to a file, and does not go on when it cannot be trusted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.signer.world import NOW, RECIPIENT, Coins, intent, settings, sign_bitcoin, sign_evm, usdt
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal, JournalBroken
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Approved, Denied, Rule, SignBitcoin, SignEvm


@pytest.fixture
def reopened(seed: Seed, journal: Journal, journal_path: Path, tmp_path: Path) -> Callable[[], Desk]:
    """Start the signer again on the same journal."""

    def start() -> Desk:
        journal.close()
        configured = settings(tmp_path)
        again = Journal(journal_path)
        return Desk(open_vaults(seed, configured), policies_of(configured), again, tmp_path / "frozen", lambda: NOW)

    return start


def test_after_a_restart_the_same_request_gives_identical_bytes(
    desk: Desk, coins: Coins, reopened: Callable[[], Desk]
) -> None:
    requests: list[SignBitcoin | SignEvm] = [
        sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), intent()),
        sign_evm(usdt(), nonce=5),
    ]
    before = [desk.sign(request) for request in requests]
    assert all(isinstance(answer, Approved) for answer in before)
    again = reopened()
    assert [again.sign(request) for request in requests] == before


def test_after_a_restart_digests_transactions_and_nonces_are_still_known(
    desk: Desk, reopened: Callable[[], Desk]
) -> None:
    wanted = usdt()
    assert isinstance(desk.sign(sign_evm(wanted, nonce=5)), Approved)
    again = reopened()
    other = again.sign(sign_evm(usdt(), nonce=5))
    second = again.sign(sign_evm(wanted, nonce=6))
    assert isinstance(other, Denied) and other.rule == Rule.NONCE_USED
    assert isinstance(second, Denied) and second.rule == Rule.SECOND_TRANSACTION


def test_the_line_is_on_disk_when_the_answer_is_given(desk: Desk, journal_path: Path) -> None:
    answer = desk.sign(sign_evm(usdt()))
    assert isinstance(answer, Approved)
    asked, signed = [json.loads(line) for line in journal_path.read_text().splitlines()]
    assert asked["kind"] == "asked" and asked["authorisation"]["method"] == "totp"
    assert signed["kind"] == "signed" and signed["raw"] == answer.raw.hex()


def test_no_answer_when_the_line_cannot_be_written(
    desk: Desk, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError):
        desk.sign(sign_evm(usdt()))
    assert not journal.memory.attempts


@pytest.mark.parametrize("torn", [b'{"kind":"sig', b"\0\0\0\0", b'{"kind":"signed","n":3}'])
def test_a_torn_last_line_is_cut_off(
    desk: Desk, journal: Journal, journal_path: Path, reopened: Callable[[], Desk], torn: bytes
) -> None:
    request = sign_evm(usdt())
    before = desk.sign(request)
    whole = journal_path.read_bytes()
    journal_path.write_bytes(whole + torn)
    again = reopened()
    assert again.sign(request) == before
    assert isinstance(again.sign(sign_evm(usdt(), nonce=1)), Approved)
    assert journal_path.read_bytes().startswith(whole) and torn not in journal_path.read_bytes()


@pytest.mark.parametrize("damage", ["changed", "removed", "swapped", "garbage"])
def test_a_journal_that_was_tampered_with_stops_the_signer(
    desk: Desk, journal: Journal, journal_path: Path, damage: str
) -> None:
    for nonce in range(3):
        desk.sign(sign_evm(usdt(), nonce=nonce))
    journal.close()
    lines = journal_path.read_bytes().splitlines(keepends=True)
    if damage == "changed":
        lines[1] = lines[1].replace(b'"fee_units":1', b'"fee_units":2')
    elif damage == "removed":
        del lines[2]
    elif damage == "swapped":
        lines[0], lines[2] = lines[2], lines[0]
    else:
        lines[1] = b"garbage\n"
    journal_path.write_bytes(b"".join(lines))
    with pytest.raises(JournalBroken):
        Journal(journal_path)


def test_a_second_signer_on_the_same_journal_does_not_start(journal: Journal, journal_path: Path) -> None:
    with pytest.raises(JournalBroken):
        Journal(journal_path)


def test_the_same_refusal_again_adds_no_line(desk: Desk, journal: Journal) -> None:
    request = sign_evm(usdt(), chain_id=1)
    desk.sign(request)
    lines = journal.lines
    assert lines == 2  # asked, denied
    desk.sign(request)
    assert journal.lines == lines


def test_a_refused_second_intent_is_kept_as_evidence(desk: Desk, journal_path: Path) -> None:
    wanted = usdt()
    desk.sign(sign_evm(wanted))
    desk.sign(sign_evm(usdt(payout_id=wanted.payout_id, deliver_units=26_000_000)))
    last = json.loads(journal_path.read_text().splitlines()[-1])
    assert last["kind"] == "denied" and last["rule"] == "second_digest"
    assert last["asked"][0]["intent"]["deliver_units"] == 26_000_000
