"""The signer's memory survives what a machine does to a file, and does not go on when it cannot be trusted."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.signer.world import NOW, RECIPIENT, Coins, intent, settings, sign_bitcoin, sign_evm, usdt, yes
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal, JournalBroken
from tidegate.signer.keys import Seed
from tidegate.signing.frames import canonical
from tidegate.signing.messages import Approved, Denied, Known, Payout, Rule, SignBitcoin, SignEvm


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


@pytest.fixture
def head_path(journal_path: Path) -> Path:
    return journal_path.with_suffix(".head")


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_a_journal_put_back_to_an_earlier_state_stops_the_signer(
    desk: Desk, journal: Journal, journal_path: Path, kept: int
) -> None:
    """Whole in itself, and short of what its head tells of: a signer that forgot could sign twice."""
    for nonce in range(3):
        desk.sign(sign_evm(usdt(), nonce=nonce))
    journal.close()
    lines = journal_path.read_bytes().splitlines(keepends=True)
    journal_path.write_bytes(b"".join(lines[:kept]))
    with pytest.raises(JournalBroken, match="older state"):
        Journal(journal_path)
    accepted = Journal(journal_path, adopt=True)
    assert accepted.lines == kept
    accepted.close()
    Journal(journal_path).close()


def test_another_journal_in_its_place_stops_the_signer(
    desk: Desk, journal: Journal, journal_path: Path, tmp_path: Path, seed: Seed
) -> None:
    desk.sign(sign_evm(usdt(), nonce=0))
    journal.close()
    other, configured = Journal(tmp_path / "other.jsonl"), settings(tmp_path)
    elsewhere = Desk(open_vaults(seed, configured), policies_of(configured), other, tmp_path / "frozen", lambda: NOW)
    for nonce in range(4):
        elsewhere.sign(sign_evm(usdt(), nonce=nonce))
    other.close()
    (tmp_path / "other.jsonl").replace(journal_path)
    with pytest.raises(JournalBroken):
        Journal(journal_path)


@pytest.mark.parametrize("damage", [b"", b"\0" * 206, b"00000000000000000001 "])
def test_a_journal_without_a_whole_head_stops_the_signer(
    desk: Desk, journal: Journal, journal_path: Path, head_path: Path, damage: bytes
) -> None:
    desk.sign(sign_evm(usdt()))
    journal.close()
    head_path.write_bytes(damage)
    with pytest.raises(JournalBroken):
        Journal(journal_path)


def test_a_head_whose_newest_slot_is_torn_still_proves_the_journal(
    desk: Desk, journal: Journal, journal_path: Path, head_path: Path
) -> None:
    for nonce in range(3):
        desk.sign(sign_evm(usdt(), nonce=nonce))
    journal.close()
    slots = head_path.read_bytes()
    for torn in (slots[:103] + slots[103:150] + b"\0" * 56, b"\0" * 50 + slots[50:]):
        head_path.write_bytes(torn)
        Journal(journal_path).close()


def test_a_crash_between_line_and_head_is_no_damage(
    desk: Desk, journal: Journal, journal_path: Path, head_path: Path, reopened: Callable[[], Desk]
) -> None:
    desk.sign(sign_evm(usdt(), nonce=0))
    before = head_path.read_bytes()
    request = sign_evm(usdt(), nonce=1)
    answer = desk.sign(request)
    journal.close()
    head_path.write_bytes(before)
    assert reopened().sign(request) == answer


def test_a_journal_of_the_first_version_still_stops_a_second_payment(
    journal_path: Path, seed: Seed, tmp_path: Path
) -> None:
    wanted, prev, text = usdt(), "0" * 64, b""
    asked: dict[str, Any] = {"kind": "asked", "digest": wanted.digest(), **Payout(wanted, yes(wanted)).to_json()}
    signed: dict[str, Any] = {
        "kind": "signed",
        "key": "k",
        "payouts": [wanted.payout_id],
        "claims": ["ethereum/nonce/3"],
    }
    signed |= {"digest": "", "raw": "02", "txid": "0x01", "fee_units": 1}
    for number, fields in enumerate((asked, signed), start=1):
        line = canonical({**fields, "n": number, "at": NOW, "prev": prev}) + b"\n"
        prev, text = hashlib.sha256(line).hexdigest(), text + line
    journal_path.write_bytes(text)
    configured = settings(tmp_path)
    old = Journal(journal_path, adopt=True)
    desk = Desk(open_vaults(seed, configured), policies_of(configured), old, tmp_path / "frozen", lambda: NOW)
    answer = desk.sign(sign_evm(wanted, nonce=3, replaces="0x01"))
    assert isinstance(answer, Denied) and answer.signed and answer.rule == Rule.SECOND_TRANSACTION
    old.close()


def test_a_second_signer_on_the_same_journal_does_not_start(journal: Journal, journal_path: Path) -> None:
    with pytest.raises(JournalBroken):
        Journal(journal_path)


def test_the_same_refusal_again_adds_no_line(desk: Desk, journal: Journal) -> None:
    request = sign_evm(usdt(), gas=1)
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


def test_what_was_signed_lately_is_told_after_a_restart_too_until_a_person_has_compared(
    desk: Desk, journal: Journal, coins: Coins, reopened: Callable[[], Desk]
) -> None:
    assert desk.signed_lately().transactions == ()
    paid, wanted = intent(), usdt()
    first = desk.sign(sign_bitcoin(coins.pay([(RECIPIENT, 100_000)]), paid))
    second = desk.sign(sign_evm(wanted, nonce=5))
    assert isinstance(first, Approved) and isinstance(second, Approved)
    told = (Known(first.txid, (paid.payout_id,)), Known(second.txid, (wanted.payout_id,)))
    assert desk.signed_lately().transactions == told
    again = reopened()
    assert again.signed_lately().transactions == told
    again._journal.compared("the books were put right", NOW)
    assert again.signed_lately().transactions == ()
    more = usdt(payout_id="another")
    third = again.sign(sign_evm(more, nonce=6))
    assert isinstance(third, Approved)
    assert again.signed_lately().transactions == (Known(third.txid, ("another",)),)
    # The same request again is answered from memory, and is no other transaction.
    again.sign(sign_evm(more, nonce=6))
    assert len(again.signed_lately().transactions) == 1
    again._journal.close()
