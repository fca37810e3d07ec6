"""The signer's memory: one append-only file of JSON lines, each chained to the one before, synced before any answer.

A torn last line is a write that no answer followed: it is cut off at start. Any other damage stops the signer, since
a signer that forgot could sign twice.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tidegate.signer.rules import Memory
from tidegate.signing.frames import canonical
from tidegate.signing.messages import Approved, Denied, Payout

GENESIS = "0" * 64


class JournalBroken(Exception):
    """The journal contradicts itself, or another process holds it. A person must look; nothing is signed."""


class Journal:
    """Open for this process alone. `record` and `refuse` return when the line is on disk."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise JournalBroken("another signer has this journal open") from error
        if fresh:
            _sync_folder(path.parent)
        self.lines = 0
        self.head = GENESIS
        self._digests: dict[str, str] = {}
        self._attempts: dict[str, list[frozenset[str]]] = {}
        self._owners: dict[str, str] = {}
        self._answers: dict[str, Approved] = {}
        self._refusals: set[tuple[str, ...]] = set()
        try:
            self._replay(path.read_bytes())
        except JournalBroken:
            self.close()
            raise

    @property
    def memory(self) -> Memory:
        return Memory(self._digests, self._attempts, self._owners)

    def answered(self, key: str) -> Approved | None:
        """The bytes already given for this very transaction and these very intents."""
        return self._answers.get(key)

    def record(self, payouts: Sequence[Payout], key: str, claims: Sequence[str], approved: Approved, at: str) -> None:
        """Remember the intents, their authorisations and the signed bytes. Call before answering."""
        signed = {
            "kind": "signed",
            "key": key,
            "payouts": [payout.intent.payout_id for payout in payouts],
            "claims": list(claims),
            "digest": hashlib.sha256(approved.raw).hexdigest(),
            **approved.to_json(),
        }
        self._append([*self._asked(payouts), signed], at)

    def refuse(self, payouts: Sequence[Payout], denied: Denied, at: str) -> None:
        """Remember what was asked and that it was refused; the same refusal again adds nothing."""
        mark = (denied.rule, *(f"{p.intent.payout_id}:{p.intent.digest()}" for p in payouts))
        if mark in self._refusals:
            return
        evidence = [payout.to_json() for payout in payouts]
        line = {"kind": "denied", "rule": denied.rule, "detail": denied.detail, "mark": list(mark), "asked": evidence}
        self._append([*self._asked(payouts), line], at)

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
        head, number, data = self.head, self.lines, b""
        for line in lines:
            number += 1
            text = canonical({**line, "n": number, "at": at, "prev": head}) + b"\n"
            head = hashlib.sha256(text).hexdigest()
            data += text
        written = 0
        while written < len(data):
            written += os.write(self._fd, data[written:])
        os.fsync(self._fd)
        # Only what is on disk is remembered. After a failed write or sync nobody knows what is: the server ends itself,
        # and the next start reads the file.
        for line in lines:
            self._take(line)
        self.head, self.lines = head, number

    def _take(self, line: dict[str, Any]) -> None:
        if line["kind"] == "asked":
            self._digests[line["intent"]["payout_id"]] = line["digest"]
        elif line["kind"] == "signed":
            claims = frozenset(line["claims"])
            for payout_id in line["payouts"]:
                self._attempts.setdefault(payout_id, []).append(claims)
            for claim in claims:
                if "/nonce/" in claim:
                    self._owners[claim] = line["payouts"][0]
            self._answers[line["key"]] = Approved(bytes.fromhex(line["raw"]), line["txid"], line["fee_units"])
        elif line["kind"] == "denied":
            self._refusals.add(tuple(line["mark"]))

    def _replay(self, data: bytes) -> None:
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.ftruncate(self._fd, whole)
            os.fsync(self._fd)
        for text in data[:whole].splitlines(keepends=True):
            try:
                line = json.loads(text)
                if line["prev"] != self.head or line["n"] != self.lines + 1:
                    raise JournalBroken(f"line {self.lines + 1} of the journal does not follow the one before")
                self._take(line)
            except (ValueError, KeyError, TypeError) as error:
                raise JournalBroken(f"line {self.lines + 1} of the journal cannot be read") from error
            self.head = hashlib.sha256(text).hexdigest()
            self.lines += 1

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
