"""What each role may do is one table, the database says the same, and who signs in as what is told."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from alembic import command

from tests.conftest import PASSWORD, ROLES, alembic_config, as_login, on_database
from tidegate import doctor, grants
from tidegate.config import Settings
from tidegate.grants import Grant
from tidegate.migrate import upgrade
from tidegate.operate import init_database, init_sql
from tidegate.roles import DUTIES, Roles, Standing, init, standing, take_over

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection


def alchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def empty(admin_url: str) -> AsyncIterator[str]:
    """A database that nobody prepared, which belongs to the superuser."""
    name = f"t_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield on_database(admin_url, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def other(admin_url: str) -> AsyncIterator[Roles]:
    """Roles of another installation on the same server."""
    roles = Roles(f"other_{uuid.uuid4().hex[:8]}_")
    yield roles
    admin = await asyncpg.connect(admin_url)
    names = [roles.owner, *(roles.of(duty) for duty in DUTIES), *(roles.login(duty) for duty in DUTIES)]
    for name in names:
        await admin.execute(f"DROP ROLE IF EXISTS {name}")
    await admin.close()


async def test_the_database_grants_what_the_table_says_and_nothing_more(superuser: Connection) -> None:
    found = await grants.differences(superuser, ROLES)
    assert found.sentences() == []


async def test_a_table_or_function_that_nobody_named_is_told_in_a_sentence(superuser: Connection) -> None:
    await superuser.execute(f"SET ROLE {ROLES.owner}")
    await superuser.execute("CREATE TABLE forgotten (id int)")
    await superuser.execute("CREATE FUNCTION forgotten_too() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert (await grants.differences(superuser, ROLES)).sentences() == [
        "function forgotten_too is not in backend/tidegate/grants.py: say there what api, worker and auditor may do.",
        "table forgotten is not in backend/tidegate/grants.py: say there what api, worker and auditor may do.",
    ]


async def test_what_was_granted_by_hand_is_told_and_taken_back_by_the_next_migration(
    superuser_url: str, superuser: Connection
) -> None:
    await superuser.execute("GRANT UPDATE (balance), DELETE ON ledger_accounts TO tidegate_api")
    await superuser.execute("REVOKE SELECT ON events FROM tidegate_worker")
    await superuser.execute("GRANT EXECUTE ON FUNCTION ledger_post TO PUBLIC")
    await superuser.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    before = await grants.differences(superuser, ROLES)
    post = "ledger_post(text[],uuid[],integer[],text[],bigint[],bigint[],numeric[])"
    assert before.missing == [Grant("TABLE", "events", "", "tidegate_worker", "SELECT")]
    assert before.more == [
        Grant("FUNCTION", post, "", "PUBLIC", "EXECUTE"),
        Grant("SCHEMA", "public", "", "PUBLIC", "CREATE"),
        Grant("TABLE", "ledger_accounts", "", "tidegate_api", "DELETE"),
        Grant("TABLE", "ledger_accounts", "balance", "tidegate_api", "UPDATE"),
    ]
    assert "tidegate_api has UPDATE on table ledger_accounts (balance), which nobody declared." in before.sentences()
    migrator = as_login(superuser_url, ROLES.login("migrator"))
    changed = await asyncio.to_thread(upgrade, alchemy(migrator), ROLES)
    assert changed is not None
    assert len(changed) == 5
    assert (await grants.differences(superuser, ROLES)).sentences() == []
    assert await asyncio.to_thread(upgrade, alchemy(migrator), ROLES) == []


async def test_everything_belongs_to_the_owner_and_nobody_signs_in_as_a_group(superuser: Connection) -> None:
    strangers = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> 'tidegate_owner'::regrole "
        "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner <> 'tidegate_owner'::regrole "
        "UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typowner <> 'tidegate_owner'::regrole"
    )
    assert strangers == []
    groups = [ROLES.owner, *(ROLES.of(duty) for duty in DUTIES)]
    rows = await superuser.fetch("SELECT * FROM pg_roles WHERE rolname = ANY ($1)", groups)
    assert len(rows) == len(groups)
    powers = ("rolcanlogin", "rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert [row["rolname"] for row in rows if any(row[power] for power in powers)] == []


async def test_functions_that_write_with_the_owners_rights_have_a_path_of_their_own(superuser: Connection) -> None:
    definer = await superuser.fetch(
        "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY proname"
    )
    assert [row["proname"] for row in definer] == ["ledger_open", "ledger_post"]
    loose = await superuser.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "AND NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false)"
    )
    assert loose == []


async def test_the_migrator_has_nothing_until_it_becomes_the_owner(superuser_url: str) -> None:
    migrator = await asyncpg.connect(as_login(superuser_url, ROLES.login("migrator")))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await migrator.fetch("SELECT * FROM ledger_accounts")
        await migrator.execute(f"SET ROLE {ROLES.owner}")
        assert await migrator.fetch("SELECT * FROM ledger_accounts") == []
    finally:
        await migrator.close()


# --- made once, again, at the same time -----------------------------------------------------------------------------


async def test_roles_are_made_once_however_many_make_them_at_once(admin_url: str, other: Roles) -> None:
    connections = [await asyncpg.connect(admin_url) for _ in range(6)]
    name = f"t_{uuid.uuid4().hex}"
    try:
        await asyncio.gather(
            *(init(one, other, database=name, passwords=dict.fromkeys(DUTIES, "x")) for one in connections)
        )
        inside = [await asyncpg.connect(on_database(admin_url, name)) for _ in range(3)]
        await asyncio.gather(*(take_over(one, other) for one in inside))
        found = await standing(inside[0], other)
        assert (found.superuser, found.owner) == (True, True)
        for one in inside:
            await one.close()
        groups = await connections[0].fetchval(
            "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1)", other.prefix
        )
        assert groups == 9
    finally:
        await connections[0].execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for one in connections:
            await one.close()


async def test_two_installations_on_one_server_do_not_come_into_each_others_database(
    superuser_url: str, admin_url: str, other: Roles
) -> None:
    admin = await asyncpg.connect(admin_url)
    await init(admin, other, passwords=dict.fromkeys(DUTIES, PASSWORD))
    await admin.close()
    for duty in DUTIES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(as_login(superuser_url, other.login(duty)))


async def test_a_database_of_a_version_without_roles_is_taken_over_with_all_that_is_in_it(empty: str) -> None:
    await asyncio.to_thread(command.upgrade, alembic_config(empty), "0011_lane")
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute("INSERT INTO lane_receipts VALUES (gen_random_uuid(), now())")
        with pytest.raises(grants.NoRoles):
            await grants.apply(connection, ROLES)
        await init(connection, ROLES)
        await take_over(connection, ROLES)
        migrator = as_login(empty, ROLES.login("migrator"))
        assert await asyncio.to_thread(upgrade, alchemy(migrator), ROLES)
        assert (await grants.differences(connection, ROLES)).sentences() == []
        assert await connection.fetchval("SELECT count(*) FROM lane_receipts") == 1
        await test_everything_belongs_to_the_owner_and_nobody_signs_in_as_a_group(connection)
    finally:
        await connection.close()


async def test_without_roles_a_migration_still_runs_and_says_that_there_are_none(empty: str) -> None:
    assert await asyncio.to_thread(upgrade, alchemy(empty), ROLES) is None


async def test_the_command_makes_database_roles_and_logins(
    admin_url: str, other: Roles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"t_{uuid.uuid4().hex}"
    for duty in ("api", "migrator"):
        monkeypatch.setenv(f"DATABASE_PASSWORD_{duty.upper()}", PASSWORD)
    try:
        for _ in range(2):
            await init_database(admin_url, name, other.prefix)
        assert f"{other.prefix}api_login" in capsys.readouterr().out.replace("\n", "")
        url = on_database(admin_url, name)
        assert await asyncio.to_thread(upgrade, alchemy(as_login(url, other.login("migrator"))), other)
        api = await asyncpg.connect(as_login(url, other.login("api")))
        assert await standing(api, other) == Standing(other.login("api"), False, False, (other.of("api"),))
        await api.close()
    finally:
        admin = await asyncpg.connect(admin_url)
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()


async def test_the_printed_sql_does_the_same(other: Roles, empty: str) -> None:
    name = empty.rpartition("/")[2]
    before, _, inside = init_sql(name, other.prefix).partition(f"\\connect {name}\n")
    admin = await asyncpg.connect(empty)
    try:
        await admin.execute(before.partition("CREATE DATABASE")[0])
        await admin.execute(inside)
        await admin.execute(
            f"CREATE ROLE {other.login('migrator')} LOGIN PASSWORD '{PASSWORD}' IN ROLE {other.of('migrator')}"
        )
        await asyncio.to_thread(upgrade, alchemy(as_login(empty, other.login("migrator"))), other)
        assert (await grants.differences(admin, other)).sentences() == []
    finally:
        await admin.close()


@pytest.mark.parametrize("prefix", ["", "pg_", "a b", 'x"', "X", "x;", "1x"])
def test_a_prefix_is_a_plain_name(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Roles(prefix)


# --- the doctor -------------------------------------------------------------------------------------------------------


def on_urls(settings: Settings, **urls: str) -> Settings:
    return settings.model_copy(update={"database": type(settings.database).model_validate(urls)})


async def test_the_doctor_is_silent_when_each_process_signs_in_as_itself(
    settings: Settings, superuser_url: str
) -> None:
    urls = {f"{duty}_url": as_login(superuser_url, ROLES.login(duty)) for duty in DUTIES}
    assert await doctor.database_roles(on_urls(settings, **urls)) == []
    for duty in DUTIES[:2]:
        assert await doctor.database_roles(on_urls(settings, url=urls[f"{duty}_url"])) == []


async def test_the_doctor_says_who_may_too_much(settings: Settings, superuser_url: str, superuser: Connection) -> None:
    api, worker, migrator = (as_login(superuser_url, ROLES.login(duty)) for duty in ("api", "worker", "migrator"))
    user = (await standing(superuser, ROLES)).user
    cases = [
        ({"url": superuser_url}, f"database: {user} is a superuser: nothing in the database binds it."),
        ({"url": migrator}, "database: tidegate_migrator_login can become the owner of the tables."),
        ({"api_url": migrator}, "database: tidegate_migrator_login can become the owner of the tables."),
        ({"api_url": worker}, "database: tidegate_worker_login is no member of tidegate_api."),
        ({"api_url": settings.database_url()}, "serves tidegate_api, tidegate_worker at once."),
        (
            {"api_url": api, "worker_url": api.replace(PASSWORD, "wrong")},
            "database: the login of worker does not get in",
        ),
    ]
    for urls, sentence in cases:
        plain = {name: url.replace("postgresql+asyncpg://", "postgresql://") for name, url in urls.items()}
        found = await doctor.database_roles(on_urls(settings, **plain))
        assert any(sentence in one for one in found), (sentence, found)
    await superuser.execute("GRANT UPDATE ON ledger_transfers TO tidegate_worker")
    told = "database: tidegate_worker has UPDATE on table ledger_transfers, which nobody declared."
    assert await doctor.database_roles(on_urls(settings, api_url=api)) == [told]
