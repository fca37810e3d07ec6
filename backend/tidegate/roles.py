"""The database's roles: who owns, who changes the schema, who serves, who only reads.

Roles belong to the whole server while databases are many, so their names begin with a prefix (`[database] role_prefix`):
one prefix for each installation that shares a server. What only the server's administrator can do stands here as plain
SQL, each statement safe to repeat and safe beside another one that runs at the same time. What each role may do in the
database is in `grants`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

Duty = Literal["api", "worker", "migrator", "auditor"]
"""What a process is there for, and so which login it takes."""
DUTIES: tuple[Duty, ...] = ("api", "worker", "migrator", "auditor")
PREFIX = "tidegate_"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of one installation's roles. All of them are groups: nobody signs in as one."""

    prefix: str = PREFIX

    def __post_init__(self) -> None:
        # The names stand in SQL text.
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,39}", self.prefix) or self.prefix.startswith("pg_"):
            raise ValueError("a role prefix is small letters, digits and underscores")

    @property
    def owner(self) -> str:
        """Owns every object; only the migrator can become it."""
        return f"{self.prefix}owner"

    def of(self, duty: Duty) -> str:
        return f"{self.prefix}{duty}"

    def login(self, duty: Duty) -> str:
        """The user that `database init` and `tidegate up` make for a duty; an administrator may name his own."""
        return f"{self.prefix}{duty}_login"


def literal(text: str) -> str:
    """A string literal, whatever `standard_conforming_strings` says."""
    return " E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def cluster_sql(roles: Roles) -> list[str]:
    """The groups, once a server. The migrator inherits nothing: it has the owner's rights only after SET ROLE."""
    made = [(roles.owner, "NOLOGIN"), (roles.of("migrator"), "NOLOGIN NOINHERIT")]
    made += [(roles.of(duty), "NOLOGIN") for duty in DUTIES if duty != "migrator"]
    return [
        *(_unless_there(f"CREATE ROLE {name} {kind}") for name, kind in made),
        _member(roles.owner, roles.of("migrator")),
    ]


def login_sql(roles: Roles, duty: Duty, password: str) -> list[str]:
    """A user for one duty, with this password from now on."""
    name = roles.login(duty)
    return [
        _unless_there(f"CREATE ROLE {name} LOGIN"),
        f"ALTER ROLE {name} LOGIN PASSWORD{literal(password)}",
        _member(roles.of(duty), name),
    ]


def database_sql(roles: Roles, database: str) -> list[str]:
    """Inside the database: it and all that is in it belong to the owner, and only our roles come in."""
    quoted = '"' + database.replace('"', '""') + '"'
    ours = ", ".join(roles.of(duty) for duty in DUTIES)
    return [
        f"ALTER DATABASE {quoted} OWNER TO {roles.owner}",
        f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {quoted} TO {ours}",
        f"ALTER SCHEMA public OWNER TO {roles.owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {ours}",
        _HAND_OVER.replace(":owner", f"'{roles.owner}'"),
    ]


# What an earlier version, or a superuser's hand, left in somebody else's name. Extensions keep their own.
_HAND_OVER = """DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, :owner) AS command
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          AND c.relowner <> to_regrole(:owner)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype IN ('a', 'i', 'e'))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, :owner)
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> to_regrole(:owner)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, :owner)
        FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('d', 'e') AND t.typowner <> to_regrole(:owner)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                          AND d.deptype = 'e')
    LOOP
        EXECUTE one.command;
    END LOOP;
END
$$"""


def _unless_there(statement: str) -> str:
    # There is no CREATE ROLE IF NOT EXISTS; the unique index tells of one that another session made meanwhile.
    return f"DO $$ BEGIN {statement}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"


def _member(group: str, member: str) -> str:
    there = f"SELECT FROM pg_auth_members WHERE roleid = '{group}'::regrole AND member = '{member}'::regrole"
    return _unless_there(f"IF NOT EXISTS ({there}) THEN GRANT {group} TO {member}; END IF")


async def init(
    admin: "asyncpg.Connection[Any]", roles: Roles, *, database: str | None = None, passwords: Mapping[Duty, str] = {}
) -> None:
    """The roles, a user for each password, and the database when one is named and missing. By an administrator.

    Raises asyncpg.InsufficientPrivilegeError to anybody else.
    """
    for statement in cluster_sql(roles):
        await admin.execute(statement)
    for duty, password in passwords.items():
        for statement in login_sql(roles, duty, password):
            await _patiently(admin, statement)
    if database is not None and not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        try:
            await admin.execute('CREATE DATABASE "' + database.replace('"', '""') + f'" OWNER {roles.owner}')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            pass  # another one made it meanwhile


async def take_over(inside: "asyncpg.Connection[Any]", roles: Roles) -> None:
    """The administrator's part inside the database that the connection is on: ownership and the doors."""
    async with inside.transaction():
        await inside.execute("SELECT pg_advisory_xact_lock(hashtext('tidegate roles'))")
        database = await inside.fetchval("SELECT current_database()")
        for statement in database_sql(roles, database):
            await inside.execute(statement)


async def _patiently(admin: "asyncpg.Connection[Any]", statement: str) -> None:
    """Two sessions that alter one role at once: the later one is told so, and says it again."""
    for attempt in range(20):
        try:
            await admin.execute(statement)
        except asyncpg.InternalServerError as error:
            if "concurrently" not in str(error) or attempt == 19:
                raise
        else:
            return


@dataclass(frozen=True, slots=True)
class Standing:
    """What a login can do to the whole database, beyond what `grants` gives."""

    user: str
    superuser: bool
    owner: bool
    """It is, or may become, the owner of the database's objects."""
    duties: tuple[str, ...]
    """Our groups that it belongs to."""


async def standing(connection: "asyncpg.Connection[Any]", roles: Roles) -> Standing:
    """Of the user that this connection signed in as."""
    row = await connection.fetchrow(
        """
        SELECT session_user AS name, r.rolsuper,
               r.rolsuper OR pg_has_role(session_user, c.relowner, 'MEMBER') AS owner,
               ARRAY(SELECT g.rolname FROM pg_roles g WHERE g.rolname = ANY ($1)
                     AND pg_has_role(session_user, g.oid, 'MEMBER') ORDER BY g.rolname) AS duties
        FROM pg_roles r LEFT JOIN pg_class c ON c.oid = to_regclass('public.ledger_accounts')
        WHERE r.rolname = session_user
        """,
        [roles.of(duty) for duty in DUTIES],
    )
    assert row is not None
    return Standing(row["name"], row["rolsuper"], bool(row["owner"]), tuple(row["duties"]))
