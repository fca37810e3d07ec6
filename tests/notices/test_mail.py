"""Mails: written with the change, carried by the worker, repeated only where SMTP cannot tell, under one Message-ID."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.notices.mailbox import Mailbox, body, mailbox, scripted, with_mail
from tidegate.auth.accounts import create_user
from tidegate.auth.keyring import load_keyring
from tidegate.config import MailSettings, Settings
from tidegate.database import Database, new_id, ride, utcnow
from tidegate.notices import post, rules
from tidegate.notices.post import Post
from tidegate.outbox import mails
from tidegate.outbox.mails import MailKind, told
from tidegate.sandbox.process import free_port


@pytest.fixture
async def box(db: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with mailbox(db, settings, tmp_path) as found:
        yield found


async def user(db: Database, email: str = "ana@demo.example") -> uuid.UUID:
    async with db.transaction() as session:
        return await create_user(session, email=email, password="a lamp in the fog", memory_kib=1024)


async def tell(post: Post, user_id: uuid.UUID, kind: MailKind = MailKind.PASSWORD_CHANGED, **facts: Any) -> uuid.UUID:
    object_id = new_id()
    async with post.db.transaction() as session:
        riders = told(post.settings, kind, user_id=user_id, object_id=object_id, facts=facts, now=utcnow())
        assert await ride(session, riders) is None
    return object_id


class Killed(BaseException):
    """The process ends here."""


def killed_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def reach(there: str) -> None:
        if there == name:
            raise Killed

    monkeypatch.setattr(post, "reach", reach)


async def test_a_mail_is_sent_once_with_text_and_html(box: Mailbox, db: Database) -> None:
    await tell(box.post, await user(db))
    (one,) = await box.carried()
    assert (one["To"], one["From"]) == ("ana@demo.example", "Tidegate <harbour@demo.example>")
    assert one["Subject"] == "Your password was changed"
    assert one["Auto-Submitted"] == "auto-generated"
    assert "Every other session has ended." in body(one)
    assert "Every other session has ended." in body(one, "html")
    assert await box.states() == [("sent", 1, None)]
    assert len(await box.carried()) == 1


async def test_a_mail_whose_change_did_not_happen_is_not_written(box: Mailbox, db: Database) -> None:
    who = await user(db)

    async def change() -> None:
        async with db.transaction() as session:
            riders = told(
                box.post.settings, MailKind.PASSWORD_CHANGED, user_id=who, object_id=new_id(), facts={}, now=utcnow()
            )
            await ride(session, riders)
            raise RuntimeError("not this time")

    with pytest.raises(RuntimeError, match="not this time"):
        await change()
    assert await box.carried() == []


async def test_one_change_is_never_told_by_two_mails(box: Mailbox, db: Database) -> None:
    who, object_id = await user(db), new_id()
    for _ in range(2):
        async with db.transaction() as session:
            riders = told(
                box.post.settings, MailKind.PASSWORD_CHANGED, user_id=who, object_id=object_id, facts={}, now=utcnow()
            )
            assert await ride(session, riders) is None
    assert len(await box.carried()) == 1


async def test_a_house_without_a_mail_server_writes_none(db: Database, settings: Settings) -> None:
    facts: dict[str, Any] = {}
    written = told(settings, MailKind.PASSWORD_CHANGED, user_id=new_id(), object_id=new_id(), facts=facts, now=utcnow())
    assert written == []


async def test_a_worker_killed_between_commit_and_sending_leaves_a_mail_that_is_sent_once(
    box: Mailbox, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(box.post, await user(db))
    with monkeypatch.context() as here:
        killed_at(here, "L.claim:after")
        with pytest.raises(Killed):
            await post.send(box.post)
    assert box.raw() == []
    assert await post.send(box.post) == 0, "the dead one's lease still runs"
    await box.later()
    assert len(await box.carried()) == 1


async def test_a_worker_killed_after_sending_repeats_the_same_mail_byte_for_byte(
    box: Mailbox, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(box.post, await user(db))
    with monkeypatch.context() as here:
        killed_at(here, "L.send:after")
        with pytest.raises(Killed):
            await post.send(box.post)
    await box.later()
    assert len(await box.carried()) == 2
    first, second = box.raw()
    assert first == second
    assert b"Message-ID: <" in first


async def test_two_workers_send_each_mail_once(box: Mailbox, db: Database) -> None:
    who = await user(db)
    for _ in range(8):
        await tell(box.post, who)
    await asyncio.gather(*(post.send(box.post) for _ in range(4)))
    found = await box.carried()
    assert len({one["Message-ID"] for one in found}) == len(found) == 8


async def test_a_lost_lease_records_nothing(box: Mailbox, db: Database) -> None:
    await tell(box.post, await user(db))
    now = utcnow()
    async with db.transaction() as session:
        (old,) = await mails.claim(session, now=now, seconds=0, limit=1)
    async with db.transaction() as session:
        (new,) = await mails.claim(session, now=now + timedelta(seconds=1), seconds=60, limit=1)
    assert new.fence > old.fence
    async with db.transaction() as session:
        kept = await mails.record(
            session, old, state=mails.MailState.SENT, reason=None, tried=True, due_at=None, now=now
        )
    assert not kept
    assert await box.states() == [("waiting", 0, None)]


@pytest.mark.parametrize(
    ("answers", "state", "reason"),
    [
        ({"RCPT": "550 no such mailbox"}, "failed", "550: the server refused it"),
        ({"RCPT": "450 later"}, "waiting", "450: the server refused it"),
        ({".": "554 spam"}, "failed", "554: the server refused it"),
        ({".": "451 later"}, "waiting", "451: the server refused it"),
        ({"MAIL": "451 later"}, "waiting", "451: the server refused it"),
        ({"EHLO": None}, "waiting", "SMTPServerDisconnected"),
        ({"MAIL": None}, "waiting", "SMTPServerDisconnected"),
        ({".": None}, "waiting", "SMTPServerDisconnected"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
async def test_what_a_server_says_decides_whether_it_is_tried_again(
    db: Database, settings: Settings, answers: dict[str, str | None], state: str, reason: str
) -> None:
    async with scripted() as server:
        server.answers = answers
        told_settings = with_mail(settings, server.port)
        here = Mailbox(Post(db, told_settings, load_keyring(told_settings)), catcher=None)  # type: ignore[arg-type]  # not asked
        await tell(here.post, await user(db))
        await post.send(here.post)
        assert await here.states() == [(state, 1, reason)]


async def test_a_server_whose_word_is_lost_gets_the_same_mail_again(db: Database, settings: Settings) -> None:
    async with scripted() as server:
        server.answers = {".": None}
        told_settings = with_mail(settings, server.port)
        here = Mailbox(Post(db, told_settings, load_keyring(told_settings)), catcher=None)  # type: ignore[arg-type]  # not asked
        await tell(here.post, await user(db))
        await post.send(here.post)
        await here.later()
        server.answers = {}
        await post.send(here.post)
        assert await here.states() == [("sent", 2, None)]
        assert len(server.taken) == 2
        assert server.taken[0] == server.taken[1]


async def test_a_refused_mail_delays_no_other(db: Database, settings: Settings) -> None:
    async with scripted() as server:
        told_settings = with_mail(settings, server.port)
        here = Mailbox(Post(db, told_settings, load_keyring(told_settings)), catcher=None)  # type: ignore[arg-type]  # not asked
        server.answers = {"RCPT": "550 no"}
        await tell(here.post, await user(db))
        await tell(here.post, await user(db, "ben@demo.example"))
        await post.send(here.post)
        assert [state for state, _, _ in await here.states()] == ["failed", "failed"]


async def test_a_server_that_is_away_is_tried_on_a_bounded_schedule_and_then_given_up(
    db: Database, settings: Settings
) -> None:
    told_settings = with_mail(settings, free_port())
    here = Mailbox(Post(db, told_settings, load_keyring(told_settings)), catcher=None)  # type: ignore[arg-type]  # not asked
    await tell(here.post, await user(db))
    for tries in range(1, rules.MAIL_TRIES):
        await post.send(here.post)
        assert await here.states() == [("waiting", tries, "SMTPConnectError")]
        await here.later()
    await post.send(here.post)
    assert await here.states() == [("failed", rules.MAIL_TRIES, "SMTPConnectError")]
    assert await post.send(here.post) == 0


def test_tries_come_ever_later_and_end_within_two_days() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    waits = [rules.next_mail(tries, now, 0.5) for tries in range(1, rules.MAIL_TRIES)]
    assert waits == sorted(one for one in waits if one is not None)
    assert sum((one - now for one in waits if one is not None), timedelta()) < timedelta(days=2)
    assert rules.next_mail(rules.MAIL_TRIES, now, 0.5) is None


async def test_what_somebody_does_not_want_to_be_told_is_not_sent_and_what_guards_them_is(
    box: Mailbox, db: Database
) -> None:
    who = await user(db)
    async with db.transaction() as session:
        await session.execute(text("""UPDATE users SET notices = '{"withdrawals": false}'"""))
    money = {"asset": "USDT", "amount": "25.000000"}
    facts: dict[str, Any] = {
        "network": "ethereum",
        "address": "0x1",
        "label": None,
        "deliver": money,
        "debit": money,
        "fees": [],
    }
    facts |= {"reference": None, "rate": "1", "back": [money], "state": "expired", "detail": None, "txid": "0x2"}
    await tell(box.post, who, MailKind.WITHDRAWAL_RETURNED, **facts)
    await tell(box.post, who, MailKind.WITHDRAWAL_REQUESTED, **facts)
    (only,) = await box.carried()
    assert only["Subject"] == "25.000000 USDT are to leave your account"
    assert sorted(state for state, _, _ in await box.states()) == ["sent", "unwanted"]


async def test_nobody_who_has_not_confirmed_the_address_is_written_to(box: Mailbox, db: Database) -> None:
    await tell(box.post, await user(db))
    async with db.transaction() as session:
        await session.execute(text("UPDATE users SET email_confirmed_at = NULL"))
    assert await box.carried() == []
    assert await box.states() == [("failed", 1, "the address is not confirmed")]


ATTACKS = [
    'UPDATE mails SET facts = \'{"address": "mine"}\'',
    "UPDATE mails SET user_id = gen_random_uuid()",
    "UPDATE mails SET recipient = 'eve@example.com'",
    "UPDATE mails SET kind = 'webhook_disabled'",
    "UPDATE mails SET created_at = created_at + interval '1 day'",
    "UPDATE mails SET state = 'waiting', sent_at = NULL",
    "UPDATE mails SET tries = 0",
    "UPDATE mails SET state = 'lost'",
    "UPDATE mails SET sent_at = NULL",
    "UPDATE mails SET link_used_at = NULL",
]


async def test_what_was_said_sent_and_used_is_not_undone_by_sql(
    box: Mailbox, db: Database, superuser: "asyncpg.Connection[Any]"
) -> None:
    await tell(box.post, await user(db))
    await box.carried()
    await superuser.execute("UPDATE mails SET link_used_at = now()")
    for attack in ATTACKS:
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError)):
            await superuser.execute(attack)


async def test_old_mails_are_forgotten_and_waiting_ones_are_not(box: Mailbox, db: Database) -> None:
    who = await user(db)
    await tell(box.post, who)
    await box.carried()
    await tell(box.post, who)
    async with db.transaction() as session:
        await mails.forget(session, before=utcnow() + timedelta(days=1))
    assert await box.states() == [("waiting", 0, None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example", "tls": "none"},
        {"host": "mail.example", "user": "tide"},
        {"host": "mail.example", "sender": "no address"},
        {"host": "mail.example", "sender": "Tide\r\nBcc: x@y.example <a@b.example>"},
    ],
)
def test_settings_that_would_leak_or_could_not_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tls|user|sender"):
        MailSettings.model_validate(wrong)
