"""The signer's memory: one append-only file of JSON lines, each chained to the one before, synced before any answer.

A torn last line is a write that no answer followed: it is cut off at start. Any other damage stops the signer, since
a signer that forgot could sign twice. A file that was put back to an earlier state is whole in itself: the head
beside it (head.py) tells.
"""

import fcntl
import functools
import hashlib
import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidegate.signer.head import GENESIS, Head, HeadUnreadable
from tidegate.signer.index import Every, Newest, Place, name_of, place, start_and_length
from tidegate.signer.keys import sync_folder
from tidegate.signer.rules import MOVES, Memory, Signed
from tidegate.signer.totals import DAY, HOUR, Totals, moment
from tidegate.signing.frames import canonical
from tidegate.signing.messages import MOST_KNOWN, Approved, Denied, Fence, Known, Payout, SignedBytes


class JournalBroken(Exception):
    """The journal contradicts itself or its head, or another process holds it. A person must look; nothing is signed."""


class Journal:
    """Open for this process alone. `record` and `refuse` return when the line is on disk.

    `adopt`: take the journal as it is and make its head anew, whatever the head says: a person's decision.
    """

    def __init__(self, path: Path, head: Path | None = None, *, adopt: bool = False) -> None:
        fresh = not path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise JournalBroken("another signer has this journal open") from error
        if fresh:
            sync_folder(path.parent)
        self.lines = 0
        self.head = GENESIS
        self._end = 0
        self._read_signed = functools.lru_cache(maxsize=64)(self._signed_at)
        self._digests = Newest(lambda where: str(self._line(where)["digest"]))
        self._attempts = Every(self._read_signed)
        self._children = Every(self._read_signed)
        self._owners = Newest(lambda where: self._read_signed(where).payouts)
        self._transactions = Newest(self._read_signed)
        self._answers = Newest(self._approved_at)
        self._refusals: set[bytes] = set()
        self._fences: dict[bytes, int] = {}
        self._hearing: Fence | None = None
        self._totals = Totals()
        self._lately: deque[Known] = deque(maxlen=MOST_KNOWN)
        self._head: Head | None = None
        try:
            self._head = Head(head or path.with_suffix(".head"))
            self._replay(path, self._head, adopt)
        except (JournalBroken, OSError):
            self.close()
            raise

    @property
    def memory(self) -> Memory:
        return Memory(self._digests, self._attempts, self._children, self._owners, self._transactions)

    def answered(self, key: str) -> Approved | None:
        """The bytes already given for this very transaction and these very intents."""
        return self._answers.get(key)

    def bytes_of(self, txid: str) -> SignedBytes | None:
        """What was signed as this transaction, each of its payouts as it was authorised."""
        where = self._transactions.where(txid)
        if where is None:
            return None
        line = self._line(where)
        places = [self._digests.where(payout_id) for payout_id in line["payouts"]]
        asked = [self._line(one) for one in places if one is not None]
        payouts = [Payout.from_json({"intent": one["intent"], "authorisation": one["authorisation"]}) for one in asked]
        return SignedBytes(line["txid"], bytes.fromhex(line["raw"]), line["fee_units"], tuple(payouts))

    @property
    def lately(self) -> tuple[Known, ...]:
        """What was signed last, oldest first; nothing from before the newest `compared`."""
        return tuple(self._lately)

    def _line(self, where: Place) -> dict[str, Any]:
        start, length = start_and_length(where)
        line: dict[str, Any] = json.loads(os.pread(self._fd, length, start))
        return line

    def _approved_at(self, where: Place) -> Approved:
        line = self._line(where)
        return Approved(bytes.fromhex(line["raw"]), line["txid"], line["fee_units"])

    def _signed_at(self, where: Place) -> Signed:
        line = self._line(where)
        payouts, claims = tuple(line["payouts"]), tuple(line["claims"])
        # Lines of the first version end at the claims: what they signed can be neither replaced nor given a child.
        numbers = (tuple(line.get("price", ())), line["fee_units"], line.get("bound_units", 0), line.get("vsize", 0))
        return Signed(line["txid"], payouts, claims, *numbers, line.get("change", ""), line.get("parent", ""))

    def fence(self, set_id: str) -> int:
        """The latest holder of this set that was heard; 0 for none."""
        return self._fences.get(name_of(set_id), 0)

    def hear(self, under: Fence) -> None:
        """Remember a later holder with the next line that is written; `heard` writes it if none was."""
        self._hearing = under if under.number > self.fence(under.set_id) else None

    def heard(self, at: str) -> None:
        if self._hearing is not None:
            self._append([], at)

    def at(self, now: str) -> str:
        """The time of the next line: never before the newest one, so that a clock set back forgets nothing."""
        return max(now, self._totals.newest, key=moment) if self._totals.newest else now

    def spent(self, at: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """What was signed away, by asset, in the hour and in the 24 hours that end at `at`."""
        return self._totals.since(at, HOUR), self._totals.since(at, DAY)

    def record(
        self,
        payouts: Sequence[Payout],
        key: str,
        signed: Signed,
        approved: Approved,
        added: Mapping[str, int],
        at: str,
    ) -> None:
        """Remember the intents, their authorisations and the signed bytes. Call before answering."""
        line = {
            "kind": "signed",
            "key": key,
            "payouts": list(signed.payouts),
            "claims": list(signed.claims),
            "price": list(signed.price),
            "bound_units": signed.bound_units,
            "vsize": signed.vsize,
            "change": signed.change,
            "parent": signed.parent,
            "added": dict(added),
            "digest": hashlib.sha256(approved.raw).hexdigest(),
            **approved.to_json(),
        }
        self._append([*self._asked(payouts), line], at)

    def refuse(self, payouts: Sequence[Payout], subject: str, denied: Denied, at: str, *, holds: bool) -> None:
        """Remember what was asked and that it was refused; the same refusal again adds nothing.

        `holds`: an authorised intent that is new here is its payout's from now on.
        """
        asked = [f"{p.intent.payout_id}:{p.intent.digest()}" for p in payouts]
        mark = hashlib.sha256(canonical([denied.rule, subject, *asked])).hexdigest()
        if bytes.fromhex(mark) in self._refusals:
            return
        evidence = [payout.to_json() for payout in payouts]
        line = {"kind": "denied", **denied.to_json(), "mark": mark, "subject": subject, "asked": evidence}
        self._append([*(self._asked(payouts) if holds else []), line], at)

    def release(self, payout_id: str, dead: Sequence[str], at: str) -> None:
        """Remember that a person says of these transactions, all that there are of the payout, that they are dead."""
        self._append([{"kind": "released", "payout": payout_id, "dead": list(dead)}], at)

    def compared(self, reason: str, at: str) -> None:
        """Remember that a person says of every transaction up to here that the books have it."""
        self._append([{"kind": "compared", "reason": reason}], at)

    def _asked(self, payouts: Sequence[Payout]) -> list[dict[str, Any]]:
        """A line for each authorised intent that is new here: from then on its payout has this digest."""
        lines: dict[str, dict[str, Any]] = {}
        for payout in payouts:
            digest = payout.intent.digest()
            if payout.intent.payout_id not in self._digests and payout.authorisation.digest == digest:
                line = {"kind": "asked", "digest": digest, **payout.to_json()}
                lines.setdefault(payout.intent.payout_id, line)
        return list(lines.values())

    def _append(self, lines: Sequence[dict[str, Any]], at: str) -> None:
        assert self._head is not None
        at = self.at(at)
        if self._hearing is not None:
            lines, self._hearing = [{"kind": "fence", **self._hearing.to_json()}, *lines], None
        head, number, texts = self.head, self.lines, []
        for line in lines:
            number += 1
            text = canonical({**line, "n": number, "at": at, "prev": head}) + b"\n"
            head = hashlib.sha256(text).hexdigest()
            texts.append(text)
        data, written = b"".join(texts), 0
        while written < len(data):
            written += os.write(self._fd, data[written:])
        os.fsync(self._fd)
        # Only what is on disk is remembered. After a failed write or sync nobody knows what is: the server ends itself,
        # and the next start reads the file.
        self._head.write(number, head)
        for line, text in zip(lines, texts, strict=True):
            self._take({**line, "at": at}, len(text))
        self.head, self.lines = head, number

    def _take(self, line: dict[str, Any], length: int) -> None:
        where = place(self._end, length)
        self._end += length
        if line["kind"] == "asked":
            self._digests.put(line["intent"]["payout_id"], where)
        elif line["kind"] == "signed":
            self._take_signed(line, where)
        elif line["kind"] == "denied":
            self._refusals.add(bytes.fromhex(line["mark"]))
        elif line["kind"] == "released":
            self._attempts.drop(line["payout"])
        elif line["kind"] == "compared":
            self._lately.clear()
        elif line["kind"] == "fence":
            self._fences[name_of(line["set_id"])] = line["number"]

    def _take_signed(self, line: dict[str, Any], where: Place) -> None:
        made_for = tuple(one.removeprefix(MOVES) for one in line["payouts"]) or (line.get("parent", ""),)
        self._lately.append(Known(line["txid"], made_for))
        self._answers.put(line["key"], where)
        self._transactions.put(line["txid"], where)
        for payout_id in line["payouts"]:
            self._attempts.add(payout_id, where)
        if line.get("parent"):
            self._children.add(line["parent"], where)
        else:
            for claim in line["claims"]:
                self._owners.put(claim, where)
        self._totals.add(line["at"], line.get("added", {}))

    def _replay(self, path: Path, head: Head, adopt: bool) -> None:
        try:
            told = head.read()
        except HeadUnreadable as error:
            if not adopt:
                raise JournalBroken(str(error)) from error
            told = None
        proven = told == (0, GENESIS)
        with path.open("rb") as file:
            for text in file:
                if not text.endswith(b"\n"):
                    os.ftruncate(self._fd, self._end)
                    os.fsync(self._fd)
                    break
                self._follow(text)
                proven = proven or told == (self.lines, self.head)
        proven = proven or (told is None and not self.lines)
        if not proven and not adopt:
            raise JournalBroken(
                "the journal is not the one that its head tells of, or an older state of it: it may have forgotten "
                "what was signed. Compare chain and books, then see `tidegate signer accept`"
            )
        # A crash between line and head leaves the head behind; from here on they agree again.
        head.write(self.lines, self.head, anew=not proven)

    def _follow(self, text: bytes) -> None:
        try:
            line = json.loads(text)
            if line["prev"] != self.head or line["n"] != self.lines + 1:
                raise JournalBroken(f"line {self.lines + 1} of the journal does not follow the one before")
            self._take(line, len(text))
        except (ValueError, KeyError, TypeError) as error:
            raise JournalBroken(f"line {self.lines + 1} of the journal cannot be read") from error
        self.head = hashlib.sha256(text).hexdigest()
        self.lines += 1

    def close(self) -> None:
        """Let go of the files; closing again does nothing."""
        if self._head is not None:
            self._head.close()
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
