"""What receivers get, and what becomes of it when they fail, hang, redirect, or are gone."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from tests.notices.mailbox import body, mailbox
from tests.webhooks.conftest import Listen, Owner, Receiver, later, work
from tidegate.database import Database
from tidegate.webhooks import rules, turn
from tidegate.webhooks.courier import CONNECT_SECONDS, RESOLVE_SECONDS, SECONDS, Courier
from tidegate.webhooks.pipeline import Rounds
from tidegate.webhooks.rules import Verdict


async def test_a_change_arrives_signed_as_the_public_library_reads_it(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    endpoint = await ana.add(receiver.url, "withdrawal")
    object_id = await ana.change(db, version=4)
    await work(rounds)
    (heard,) = receiver.heard
    read = Webhook(endpoint["secret"]).verify(heard.body, heard.headers)
    assert read["type"] == "withdrawal.changed"
    assert read["data"] | {"sequence": 0} == {"kind": "withdrawal", "id": str(object_id), "version": 4, "sequence": 0}
    assert heard.headers[":line"] == "POST /hooks?from=tidegate HTTP/1.1"
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(heard.body + b" ", heard.headers)
    (sent,) = await ana.deliveries(endpoint)
    assert (sent["state"], sent["message_id"], sent["body"]) == ("delivered", heard.id, heard.body.decode())
    assert [one["status"] for one in sent["answers"]] == [204]


async def test_every_chosen_event_arrives_once_and_its_numbers_have_no_gap(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    await ana.add(receiver.url)
    for version in range(1, 8):
        await ana.change(db, version=version)
    await asyncio.gather(work(rounds), work(Rounds(rounds._courier)))
    await work(rounds)
    numbers = [heard.data["sequence"] for heard in receiver.heard]
    assert numbers == list(range(numbers[0], numbers[0] + 8))  # its own making is the first
    assert receiver.most_at_once == 1


async def test_kinds_that_were_not_chosen_are_not_sent(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    await ana.add(receiver.url, "deposit")
    await ana.change(db, "withdrawal")
    wanted = await ana.change(db, "deposit")
    await work(rounds)
    assert [heard.data["id"] for heard in receiver.heard] == [str(wanted)]


@pytest.mark.parametrize("status", [500, 307])
async def test_what_is_not_taken_comes_again_with_the_same_id_and_body(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds, listen: Listen, status: int
) -> None:
    other = await listen()
    receiver.says(status, "not now", f"location: {other.url}")
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    (failed,) = await ana.deliveries(endpoint)
    assert (failed["state"], failed["tries"]) == ("waiting", 1)
    assert failed["answers"][0] | {"at": "", "milliseconds": 0} == {
        "at": "",
        "status": status,
        "error": None,
        "milliseconds": 0,
        "body": "not now",
    }
    receiver.says(200)
    await later(db)
    await work(rounds)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert (await ana.deliveries(endpoint))[0]["state"] == "delivered"
    assert other.heard == []  # nobody follows a redirect


async def test_a_receiver_that_hangs_is_given_up_and_delays_no_other(
    db: Database, ana: Owner, listen: Listen, courier: Courier, rounds: Rounds
) -> None:
    hanging, good = await listen(), await listen()
    hanging.answer = None
    courier.seconds = 1.5
    slow = await ana.add(hanging.url, "withdrawal")
    await ana.add(good.url, "withdrawal")
    for version in (1, 2, 3):
        await ana.change(db, version=version)
    began = time.monotonic()
    await rounds.healthy()
    await hanging.until(1)
    await good.until(3)
    assert time.monotonic() - began < 1.2
    await rounds.rest()
    waiting = await ana.deliveries(slow)
    assert {one["state"] for one in waiting} == {"waiting"}
    assert sum(len(one["answers"]) for one in waiting) == 1
    assert "ReadTimeout" in next(one["answers"][0]["error"] for one in waiting if one["answers"])
    assert (await ana.look(slow))["failures"] == 1
    # From now on it has its seat among those that fail.
    hanging.says(200)
    await later(db)
    assert await rounds.failing() == 1
    await rounds.rest()
    assert len(hanging.heard) == 4


async def test_410_switches_the_endpoint_off_and_its_owner_is_told(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    receiver.says(410)
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    found = await ana.look(endpoint)
    assert (found["enabled"], found["disabled"]) == (False, "gone")
    async with db.reading() as session:
        told = await session.scalar(
            text("SELECT version FROM events WHERE object_id = :i ORDER BY sequence DESC LIMIT 1"),
            {"i": endpoint["id"]},
        )
    assert told == found["version"] == 2
    await ana.change(db)
    await later(db)
    await work(rounds)
    assert len(receiver.heard) == 1
    assert (await ana.deliveries(endpoint))[0]["state"] == "failed"


async def test_a_switched_off_endpoint_is_mailed_by_the_name_of_its_host(
    db: Database, ana: Owner, courier: Courier, receiver: Receiver, rounds: Rounds, tmp_path: Path
) -> None:
    async with mailbox(db, courier.settings, tmp_path) as box:
        courier.settings = box.post.settings
        receiver.says(410)
        await ana.add(receiver.url, "withdrawal")
        await ana.change(db)
        await work(rounds)
        (mail,) = await box.carried()
    assert mail["Subject"] == "A webhook was switched off"
    assert "Nothing more is sent to localhost." in body(mail)


async def test_three_days_in_vain_switch_it_off_and_on_again_it_goes_on_where_it_stopped(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    receiver.says(503)
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db, version=1)
    for _ in range(rules.TRIES):
        assert (await ana.look(endpoint))["enabled"]
        await later(db)
        await work(rounds)
    found = await ana.look(endpoint)
    assert (found["enabled"], found["disabled"], found["failures"]) == (False, "failing", rules.TRIES)
    assert len({heard.id for heard in receiver.heard}) == 1
    assert len(receiver.heard) == rules.TRIES
    missed = await ana.change(db, version=2)
    receiver.says(200)
    again = await ana.ask("PATCH", f"/{endpoint['id']}", {"enabled": True})
    assert (again.json()["enabled"], again.json()["disabled"], again.json()["failures"]) == (True, None, 0)
    await work(rounds)
    assert receiver.heard[-1].data["id"] == str(missed)


async def test_one_message_that_is_never_taken_switches_nothing_off_while_others_arrive(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    receiver.says(500)
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db, version=1)
    await work(rounds)
    receiver.says(200)
    await ana.change(db, version=2)
    async with db.transaction() as session:
        await session.execute(text("UPDATE webhook_endpoints SET due_at = now()"))
        await session.execute(text("UPDATE webhook_deliveries SET tries = :n WHERE tries = 1"), {"n": rules.TRIES - 1})
    await work(rounds)
    receiver.says(500)
    await later(db)
    await work(rounds)
    assert sorted(one["state"] for one in await ana.deliveries(endpoint)) == ["delivered", "failed"]
    assert (await ana.look(endpoint))["enabled"]


async def test_a_worker_that_lost_its_lease_writes_nothing_and_the_message_comes_again(
    db: Database, ana: Owner, receiver: Receiver, courier: Courier, rounds: Rounds
) -> None:
    receiver.answer = None
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    courier.seconds = 0.5
    await rounds.healthy()
    await receiver.until(1)
    async with db.transaction() as session:
        await session.execute(text("UPDATE webhook_endpoints SET lease_until = now() - interval '1 s'"))
    courier.seconds = 1.5
    heir = Rounds(courier)
    await heir.healthy()
    await receiver.until(2)
    await rounds.rest()
    assert (await ana.deliveries(endpoint))[0]["answers"] == []
    assert await Rounds(courier).healthy() == 0  # the heir's lease stands
    await heir.rest()
    (found,) = await ana.deliveries(endpoint)
    assert (found["state"], len(found["answers"])) == ("waiting", 1)
    assert len({heard.id for heard in receiver.heard}) == 1


async def test_a_long_answer_is_cut_and_a_hostile_one_is_only_text(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    receiver.says(200, "<script>\x00\x1b[2J" + "x" * 100_000)
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    (found,) = await ana.deliveries(endpoint)
    said = found["answers"][0]["body"]
    assert (found["state"], len(said)) == ("delivered", rules.ANSWER_BYTES)
    assert said.startswith("<script>\ufffd\ufffd[2Jx")


async def test_after_a_rotation_two_secrets_verify_and_later_one(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    endpoint = await ana.add(receiver.url, "withdrawal")
    rotated = (await ana.ask("POST", f"/{endpoint['id']}/rotate")).json()
    assert rotated["secret"] != endpoint["secret"]
    await ana.change(db)
    await work(rounds)
    for secret in (endpoint["secret"], rotated["secret"]):
        Webhook(secret).verify(receiver.heard[0].body, receiver.heard[0].headers)
    async with db.transaction() as session:
        await session.execute(text("UPDATE webhook_endpoints SET before_until = now() - interval '1 s'"))
    await ana.change(db)
    await work(rounds)
    Webhook(rotated["secret"]).verify(receiver.heard[1].body, receiver.heard[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(receiver.heard[1].body, receiver.heard[1].headers)


async def test_a_test_is_sent_once_and_a_delivery_again_under_its_id(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    receiver.says(500)
    endpoint = await ana.add(receiver.url, "withdrawal")
    assert (await ana.ask("POST", f"/{endpoint['id']}/test")).status_code == 202
    await work(rounds)
    await later(db)
    await work(rounds)
    (tried,) = await ana.deliveries(endpoint)
    assert (tried["type"], tried["state"], tried["sequence"]) == ("webhook.test", "failed", None)
    assert len(receiver.heard) == 1
    assert (await ana.look(endpoint))["failures"] == 0
    receiver.says(200)
    asked = await ana.ask("POST", f"/{endpoint['id']}/deliveries/{tried['id']}/redeliver")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    await work(rounds)
    assert [heard.id for heard in receiver.heard] == [tried["message_id"]] * 2
    (found,) = await ana.deliveries(endpoint)
    assert (found["state"], [one["status"] for one in found["answers"]]) == ("delivered", [500, 200])


async def test_a_name_that_turns_to_an_inner_address_after_it_was_added_is_not_spoken_to(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds, courier: Courier
) -> None:
    answers = iter([["93.184.216.34"], ["93.184.216.34", "127.0.0.1"]])

    async def rebinding(_name: str, _port: int) -> list[str]:
        return next(answers)

    courier.resolve = rebinding
    endpoint = await ana.add("https://rebind.example/", "withdrawal")
    await ana.change(db)
    await work(rounds)
    (found,) = await ana.deliveries(endpoint)
    assert found["answers"][0]["status"] is None
    assert "not of the public internet" in found["answers"][0]["error"]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Verdict.TAKEN),
        (299, Verdict.TAKEN),
        (None, Verdict.AGAIN),
        (101, Verdict.AGAIN),
        (301, Verdict.AGAIN),
        (400, Verdict.AGAIN),
        (429, Verdict.AGAIN),
        (410, Verdict.GONE),
    ],
)
def test_only_2xx_is_a_delivery_and_only_410_a_goodbye(status: int | None, meaning: Verdict) -> None:
    assert rules.verdict(status) is meaning


def test_tries_are_spread_over_three_days_and_end() -> None:
    now = start = datetime(2026, 1, 1, tzinfo=UTC)
    for tries in range(1, rules.TRIES):
        sooner, again, latest = (rules.next_try(tries, now, chance) for chance in (0.0, 0.5, 1.0))
        assert sooner is not None and again is not None and latest is not None
        assert now < sooner < again < latest
        now = again
    assert timedelta(days=3) < now - start < timedelta(days=4)
    assert rules.next_try(rules.TRIES, now, 0.5) is None
    assert rules.pause(0) == timedelta() < rules.pause(1) < rules.pause(5) < rules.pause(100) <= timedelta(minutes=5)


def test_a_turn_ends_before_its_lease() -> None:
    # Another address is only tried when nobody took the connection; reading takes twice its time at worst.
    longest = RESOLVE_SECONDS + 2 * CONNECT_SECONDS + 2 * SECONDS
    assert turn.TURN_SECONDS + longest < turn.LEASE_SECONDS
