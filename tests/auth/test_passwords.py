"""argon2id, in threads, bounded (security.md 4.1)."""

import asyncio

import pytest

from tidegate.auth import passwords
from tidegate.auth.passwords import Hashing, hash_password, verify_password
from tidegate.refusal import Kind, Refusal


def test_a_hash_is_argon2id_with_the_written_parameters() -> None:
    assert hash_password("a lighthouse keeps no diary").startswith("$argon2id$v=19$m=47104,t=1,p=1$")


def test_the_right_password_verifies_and_others_do_not() -> None:
    stored = hash_password("Ünïcode e\u0301 keeps well", memory_kib=1024)
    assert verify_password("Ünïcode é keeps well", stored)
    assert not verify_password("Unicode e keeps well", stored)
    assert stored != hash_password("Ünïcode e\u0301 keeps well", memory_kib=1024)


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$m=1,t=1,p=1$$", "$2b$12$abc"])
def test_a_broken_hash_verifies_nothing(stored: str) -> None:
    assert not verify_password("anything at all", stored)


async def test_nobody_is_checked_like_somebody_and_never_right() -> None:
    hashing = Hashing(1024)
    assert not await hashing.verify("nobody has this password", None)
    hashing.close()


async def test_more_than_the_queue_holds_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING", 2)
    hashing = Hashing(1024)
    tries = await asyncio.gather(*(hashing.hash("x" * 15) for _ in range(10)), return_exceptions=True)
    busy = [one for one in tries if isinstance(one, Refusal)]
    assert len(busy) == 4
    assert all(one.kind is Kind.BUSY for one in busy)
    assert all(one.fields["retry_after"] for one in busy)
    assert (await hashing.hash("x" * 15)).startswith("$argon2id$")
    hashing.close()
