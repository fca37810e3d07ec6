"""TOTP, recovery codes, step-up: security.md abuse case 17."""

import asyncio
import base64

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.auth.people import PASSWORD, Person, now, problem
from tests.wallets.world import a_user
from tidegate.auth import store
from tidegate.auth.accounts import user_by_email
from tidegate.auth.gate import Gate
from tidegate.auth.step_up import check_totp, reused
from tidegate.database import Database, new_id, ride
from tidegate.ledger.lane import Lane
from tidegate.refusal import Kind, Refusal

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


async def test_enrolling_shows_seed_and_uri_then_ten_recovery_codes(ana: Person) -> None:
    await ana.signed_in()
    begun = await ana.call("POST", "/totp")
    assert begun.status_code == 201
    assert begun.json().keys() == {"secret", "otpauth_uri"}
    assert len(begun.json()["secret"]) == 32
    assert begun.json()["otpauth_uri"].startswith("otpauth://totp/Tidegate:ana%40demo.example?secret=")
    ana.seed = begun.json()["secret"]
    done = await ana.call("POST", "/totp/confirm", json={"code": ana.code()})
    assert done.status_code == 200
    assert done.json().keys() == {"recovery_codes"}
    assert len(set(done.json()["recovery_codes"])) == 10
    me = (await ana.call("GET", "/me")).json()
    assert (me["factors"], me["recovery_codes_left"]) == (["totp"], 10)


async def test_a_wrong_code_does_not_confirm(ana: Person) -> None:
    await ana.signed_in()
    ana.seed = (await ana.call("POST", "/totp")).json()["secret"]
    wrong = f"{(int(ana.code()) + 1) % 10**6:06d}"
    assert problem(await ana.call("POST", "/totp/confirm", json={"code": wrong})) == (422, "invalid_code")
    assert (await ana.call("GET", "/me")).json()["factors"] == []


async def test_a_confirmed_authenticator_is_not_replaced(ana: Person) -> None:
    await ana.enrol()
    assert problem(await ana.call("POST", "/totp")) == (409, "conflict")
    assert problem(await ana.call("POST", "/totp/confirm", json={"code": ana.code()})) == (409, "conflict")


async def test_enrolling_renews_the_session_value(ana: Person) -> None:
    await ana.signed_in()
    earlier = ana.cookie
    await ana.enrol()
    assert ana.cookie != earlier
    assert (await ana.call("GET", "/me")).status_code == 200


async def test_login_without_the_code_is_mfa_required_with_methods(ana: Person) -> None:
    await ana.enrol()
    answer = await ana.login()
    assert problem(answer) == (401, "mfa_required")
    assert answer.json()["methods"] == ["totp", "recovery_code"]
    assert "set-cookie" not in answer.headers
    assert problem(await ana.token()) == (401, "mfa_required")


async def test_a_wrong_password_with_a_right_code_says_no_more_than_without(ana: Person) -> None:
    await ana.enrol()
    ana.password = "x" * 20
    assert problem(await ana.login(ana.code())) == (401, "invalid_credentials")
    ana.password = PASSWORD
    assert (await ana.login(ana.code())).status_code == 200


async def test_a_wrong_code_at_login_or_token_is_invalid_credentials(ana: Person) -> None:
    await ana.enrol()
    wrong = f"{(int(ana.code()) + 1) % 10**6:06d}"
    for code in (wrong, "12345", "abcdef", "ABCD-EFGH-2345-6723", ana.code().translate(FULL_WIDTH)):
        assert problem(await ana.login(code)) == (401, "invalid_credentials"), code
        assert problem(await ana.token(code)) == (401, "invalid_credentials"), code


async def test_full_width_digits_are_refused_where_the_ascii_ones_are_taken(ana: Person) -> None:
    await ana.signed_in()
    ana.seed = (await ana.call("POST", "/totp")).json()["secret"]
    wide = ana.code().translate(FULL_WIDTH)
    assert problem(await ana.call("POST", "/totp/confirm", json={"code": wide})) == (422, "invalid_code")
    assert (await ana.call("POST", "/totp/confirm", json={"code": ana.code()})).status_code == 200


async def test_the_code_comes_as_totp_code_or_client_secret_or_in_the_client_header(ana: Person) -> None:
    await ana.enrol()
    assert (await ana.token(client_secret=ana.code())).status_code == 200
    basic = base64.b64encode(f":{ana.code(1)}".encode()).decode()
    form = {"grant_type": "password", "username": ana.email, "password": ana.password}
    answer = await ana.http.post("/api/v1/auth/token", data=form, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200, answer.text


async def test_a_used_code_is_refused_with_retry_after(ana: Person) -> None:
    await ana.enrol()
    code = ana.code()
    assert (await ana.login(code)).status_code == 200
    answer = await ana.login(code)
    assert problem(answer) == (422, "code_already_used")
    assert 1 <= answer.json()["retry_after"] <= 30
    assert answer.headers["retry-after"] == str(answer.json()["retry_after"])


async def test_a_code_older_than_the_last_used_one_is_used(ana: Person) -> None:
    await ana.enrol()
    assert (await ana.login(ana.code(1))).status_code == 200
    assert problem(await ana.login(ana.code(0))) == (422, "code_already_used")


async def test_of_a_hundred_parallel_uses_of_one_code_one_succeeds(ana: Person, db: Database) -> None:
    await ana.enrol()
    code = ana.code()
    answers = await asyncio.gather(*(ana.token(code) for _ in range(60)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 59
    async with db.reading() as session:
        user = await user_by_email(session, ana.email)
    assert user is not None
    fresh = ana.code(1)
    assert sorted(await asyncio.gather(*(spend(db, user.id, fresh) for _ in range(100)))) == [False] * 99 + [True]


async def spend(db: Database, user_id: object, code: str) -> bool:
    """What a verb does: check with a reading session, spend in its own transaction."""
    try:
        async with db.reading() as session:
            use = await check_totp(session, user_id=user_id, code=code, now=now())  # type: ignore[arg-type]
        async with db.transaction() as session:
            if await ride(session, [use.rider]) is not None:
                raise reused(now())
    except Refusal as refusal:
        if refusal.kind is not Kind.CODE_ALREADY_USED:
            raise
        return False
    return True


async def test_an_older_code_checked_before_a_newer_one_was_spent_misses(ana: Person, db: Database) -> None:
    await ana.enrol()
    async with db.reading() as session:
        user = await user_by_email(session, ana.email)
        assert user is not None
        older = await check_totp(session, user_id=user.id, code=ana.code(0), now=now())
        newer = await check_totp(session, user_id=user.id, code=ana.code(1), now=now())
    async with db.transaction() as session:
        assert await ride(session, [newer.rider]) is None
    async with db.transaction() as session:
        assert await ride(session, [older.rider]) is older.rider
    assert older.rider.name == "totp_step"


async def test_check_totp_inside_many_open_transactions_does_not_starve(ana: Person, db: Database) -> None:
    await ana.enrol()
    async with db.reading() as session:
        user = await user_by_email(session, ana.email)
    assert user is not None
    code = ana.code()

    async def inside() -> bool:
        try:
            async with db.transaction() as session:
                await session.execute(text("SELECT 1"))
                use = await check_totp(session, user_id=user.id, code=code, now=now())
                if await ride(session, [use.rider]) is not None:
                    raise reused(now())
        except Refusal:
            return False
        return True

    results = await asyncio.wait_for(asyncio.gather(*(inside() for _ in range(60))), timeout=25)
    assert sum(results) == 1


async def test_check_totp_says_invalid_code_and_asks_for_a_factor(ana: Person, db: Database) -> None:
    async with db.reading() as session:
        user = await user_by_email(session, ana.email)
        assert user is not None
        with pytest.raises(Refusal) as none:
            await check_totp(session, user_id=user.id, code="123456", now=now())
    assert none.value.kind is Kind.SECOND_FACTOR_REQUIRED
    await ana.enrol()
    async with db.reading() as session:
        with pytest.raises(Refusal) as wrong:
            await check_totp(session, user_id=user.id, code="１２３４５６", now=now())
    assert wrong.value.kind is Kind.INVALID_CODE


async def test_twenty_wrong_codes_a_day_and_then_a_wait(ana: Person, db: Database, gate: Gate) -> None:
    await ana.enrol()
    strict = gate.settings.model_copy(update={"auth": gate.settings.auth.model_copy(update={"rate_limit_factor": 1})})
    object.__setattr__(gate, "settings", strict)
    async with db.reading() as session:
        user = await user_by_email(session, ana.email)
    assert user is not None
    wrong = f"{(int(ana.code()) + 1) % 10**6:06d}"
    kinds = []
    for _ in range(21):
        async with db.reading() as session:
            with pytest.raises(Refusal) as refused:
                await check_totp(session, user_id=user.id, code=wrong, now=now())
        kinds.append(refused.value.kind)
    assert kinds == [Kind.INVALID_CODE] * 20 + [Kind.RATE_LIMITED]


async def test_a_recovery_code_stands_in_for_the_code_once(ana: Person) -> None:
    await ana.enrol()
    first = ana.recovery_codes[0]
    assert (await ana.login(first.lower())).status_code == 200
    assert (await ana.call("GET", "/me")).json()["recovery_codes_left"] == 9
    assert problem(await ana.login(first)) == (401, "invalid_credentials")
    answers = await asyncio.gather(*(ana.token(ana.recovery_codes[1]) for _ in range(20)))
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_a_password_change_needs_the_second_factor_when_there_is_one(ana: Person) -> None:
    await ana.enrol()
    body = {"current_password": PASSWORD, "new_password": "harbour lights at five"}
    assert problem(await ana.call("POST", "/password", json=body)) == (401, "mfa_required")
    wrong = f"{(int(ana.code()) + 1) % 10**6:06d}"
    assert problem(await ana.call("POST", "/password", json=body | {"totp_code": wrong})) == (422, "invalid_code")
    code = ana.code()
    done = await ana.call("POST", "/password", json=body | {"totp_code": code})
    assert done.status_code == 204
    ana.keep(done)
    again = {"current_password": body["new_password"], "new_password": PASSWORD, "totp_code": code}
    assert problem(await ana.call("POST", "/password", json=again)) == (422, "code_already_used")


async def test_the_seed_is_stored_sealed_and_bound_to_its_user(ana: Person, db: Database, gate: Gate) -> None:
    await ana.enrol()
    async with db.reading() as session:
        user_id, sealed = (await session.execute(text("SELECT user_id, secret FROM totp_factors"))).one()
    assert ana.seed.encode() not in sealed
    assert gate.keys.open_seed(user_id, sealed) == ana.seed
    with pytest.raises(RuntimeError):
        gate.keys.open_seed(new_id(), sealed)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM totp_uses",
        "UPDATE totp_uses SET step = step - 1",
        "TRUNCATE totp_uses",
        "UPDATE totp_factors SET last_step = 0",
    ],
)
async def test_a_used_code_stays_used_even_against_sql(ana: Person, superuser_db: Database, statement: str) -> None:
    await ana.enrol()
    with pytest.raises(IntegrityError):
        async with superuser_db.transaction() as session:
            await session.execute(text(statement))


async def test_of_one_code_in_many_hands_at_once_one_counts(db: Database, lane: Lane) -> None:
    ana, ben = await a_user(db), await a_user(db)
    async with db.transaction() as session:
        for user in (ana, ben):
            factor = {"user": user, "at": now()}
            await session.execute(
                text(
                    "INSERT INTO totp_factors (user_id, secret, created_at, confirmed_at) VALUES (:user, 'x', :at, :at)"
                ),
                factor,
            )
    riders = [store.use_step(user, step, now()) for user, step in ((ana, 9), (ben, 9), (ana, 9), (ana, 8), (ben, 0))]
    verdicts = await asyncio.gather(*(lane.write([one]) for one in riders))
    assert {verdict.rider for verdict in verdicts if not verdict.posted} == {"totp_step"}
    async with db.reading() as session:
        uses = {tuple(row) for row in await session.execute(text("SELECT user_id, step FROM totp_uses"))}
    assert {(ana, 9), (ben, 9)} <= uses <= {(ana, 8), (ana, 9), (ben, 9)}
    assert len(uses) == sum(verdict.posted for verdict in verdicts)
