"""What each role may do: the one table, how it is applied after every migration, and how it is compared.

A table or function that is not named here is nobody's but the owner's, and a test fails until it is named. PUBLIC has
nothing. The ledger's tables are read by all three and written by nobody: `ledger_open` and `ledger_post` write, with the
owner's rights. The auditor reads everything but secrets and what signs somebody in.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from tidegate.roles import DUTIES, Duty, Roles


@dataclass(frozen=True, slots=True)
class May:
    """Privileges of one object by duty, in SQL's words; columns in parentheses where not all are meant."""

    api: str = ""
    worker: str = ""
    auditor: str = ""


_READ = "SELECT"
_GROW = "SELECT, INSERT"
_EDIT = "SELECT, INSERT, UPDATE"
_RESERVED = "reserved_usd_units, uncovered_usd_units, promised_units"

TABLES: dict[str, May] = {
    # the ledger: written by its functions alone
    "ledger_accounts": May(_READ, _READ, _READ),
    "ledger_transfers": May(_READ, _READ, _READ),
    "lane_receipts": May(_GROW, "SELECT, INSERT, DELETE", _READ),
    # what is told
    "events": May(_GROW, "SELECT, INSERT, DELETE", _READ),  # the worker forgets what is past its replay window
    "event_counters": May(_EDIT, _EDIT, _READ),
    # written with the change by whoever makes it, sent by the worker; the api uses up a mail's link
    "mails": May(
        f"{_GROW}, UPDATE (link_used_at)",
        f"{_GROW}, UPDATE (state, reason, tries, sent_at, due_at, lease_until, fence), DELETE",
        _READ,
    ),
    "idempotency_keys": May(_GROW, "", "SELECT (user_id, operation, key, status, created_at)"),
    # auth
    "users": May(
        _EDIT,
        "SELECT (id, created_at, frozen_at, email, email_confirmed_at, notices)",  # whom it sends mail, and what they want to know
        "SELECT (id, email, email_canonical, email_confirmed_at, name, password_changed_at, language, currency, notices, "
        "epoch, version, created_at, frozen_at, frozen_by, held_since, held_until, closed_at)",
    ),
    "email_changes": May(
        _EDIT, "", "SELECT (id, user_id, email, email_canonical, asked_at, expires_at, confirmed_at, dropped_at)"
    ),
    "roles": May("", "", _READ),
    "role_permissions": May(_READ, "", _READ),
    "user_roles": May("SELECT, INSERT, DELETE", "", _READ),
    "sessions": May(_EDIT, "SELECT (expires_at, revoked_at), DELETE", ""),
    "refresh_tokens": May(_EDIT, "", ""),
    "totp_factors": May(_EDIT, "", "SELECT (user_id, created_at, confirmed_at)"),
    "totp_uses": May(_GROW, "", _READ),
    "recovery_codes": May("SELECT, INSERT, UPDATE, DELETE", "", "SELECT (id, user_id, created_at, used_at)"),
    "rate_counters": May(_EDIT, "SELECT (spent_until), DELETE", ""),
    # compliance
    "screenings": May(_READ, _GROW, _READ),
    "approval_requests": May(_EDIT, _EDIT, _READ),
    "approvals": May(_GROW, _READ, _READ),
    "limit_counters": May(_EDIT, _EDIT, _READ),
    "pauses": May("SELECT, INSERT, DELETE", "SELECT, INSERT, DELETE", _READ),
    "freezes": May("SELECT, UPDATE", _EDIT, _READ),  # the worker finds, an operator releases
    # wallets
    "address_index": May(_EDIT, _EDIT, _READ),
    "deposit_addresses": May(_GROW, _READ, _READ),
    "address_handouts": May(_GROW, _READ, _READ),
    "deposits": May(_READ, _EDIT, _READ),
    "receivables": May(_READ, _EDIT, _READ),
    "scan_cursors": May(_READ, _EDIT, _READ),
    "ether_flows": May("", "SELECT, INSERT, UPDATE, DELETE", _READ),
    "beneficiaries": May(_EDIT, _READ, _READ),
    "sent_to": May(_READ, _EDIT, _READ),
    # treasury
    "hot_wallets": May(_READ, _EDIT, _READ),
    "attempt_sets": May(_READ, _EDIT, _READ),
    "set_payouts": May(_READ, _EDIT, _READ),
    "attempts": May(_READ, _EDIT, _READ),
    "reserved_inputs": May(_READ, _EDIT, _READ),
    "moves": May(_READ, _EDIT, _READ),
    "gas_tanks": May(_READ, _EDIT, _READ),
    "venue_moves": May(_READ, _EDIT, _READ),
    "arrival_times": May(_READ, "SELECT, INSERT, UPDATE, DELETE", _READ),
    "treasury_proposals": May("SELECT, UPDATE (state, changed_at, ended_at, ended_by)", _EDIT, _READ),
    # exchange
    # what was agreed is written once; only what becomes of it changes
    "quotes": May(
        f"{_GROW}, UPDATE (state, used_by, {_RESERVED}, version)",
        f"SELECT, UPDATE (state, execution, {_RESERVED}, version)",
        _READ,
    ),
    "exposures": May(_EDIT, _EDIT, _READ),
    "promises": May(_EDIT, "SELECT, UPDATE", _READ),
    "conversions": May(_GROW, _READ, _READ),
    "orders": May(_GROW, _EDIT, _READ),
    "fills": May(_READ, _GROW, _READ),
    "venue_dust": May(_READ, _EDIT, _READ),
    # transactions
    "withdrawal_transitions": May(_READ, _READ, _READ),
    "withdrawals": May(_EDIT, "SELECT, UPDATE", _READ),
    "withdrawal_events": May(_GROW, _GROW, _READ),
    "internal_transfers": May(_EDIT, "SELECT, UPDATE", _READ),
    "internal_transfer_events": May(_GROW, _GROW, _READ),
    "tracking_links": May(f"{_GROW}, UPDATE (revoked_at)", "", _READ),
    "books_checks": May(_READ, "SELECT, INSERT, DELETE", _READ),
    # webhooks: the owner's part is the api's, every try is the worker's
    "webhook_endpoints": May(
        "SELECT, INSERT, UPDATE, DELETE",
        "SELECT, UPDATE",
        "SELECT (id, user_id, slot, url, kinds, enabled, disabled, sequence, failures, delivered_at, created_at, version)",
    ),
    "webhook_deliveries": May("SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE", _READ),
    # the migrations' own
    "alembic_version": May("", "", _READ),
}

_CALL = "EXECUTE"

FUNCTIONS: dict[str, May] = {
    "ledger_open": May(_CALL, _CALL),
    "ledger_post": May(_CALL, _CALL),
    "lane_run": May(_CALL, _CALL),
    "ledger_leg_at": May(_CALL, _CALL, _CALL),
    "ledger_balance_at": May(_CALL, _CALL, _CALL),
    "ledger_own": May(_CALL, _CALL, _CALL),
    # fired by tables, called by nobody
    "ledger_append_only": May(),
    "ledger_only_by_function": May(),
    "ledger_account_fixed": May(),
    "auth_append_only": May(),
    "auth_step_guard": May(),
    "withdrawal_guard": May(),
    "withdrawal_begins": May(),
    "withdrawal_promised": May(),
    "withdrawal_told": May(),
    "internal_transfer_guard": May(),
    "freeze_guard": May(),
    "internal_transfer_posted": May(),
    "set_payout_guard": May(),
    "attempt_guard": May(),
    "attempt_set_guard": May(),
    "order_follow_guard": May(),
    "quote_receipt_guard": May(),
    "venue_move_guard": May(),
    "mail_guard": May(),
    "tracking_link_guard": May(),
}


class Grant(NamedTuple):
    """One privilege of one role on one object. `column` is empty when the whole object is meant."""

    kind: str
    """TABLE, FUNCTION, SCHEMA, DATABASE."""
    name: str
    column: str
    role: str
    """PUBLIC, or a role's name."""
    privilege: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How the database differs from the table above. Sentences come from `sentences`."""

    missing: list[Grant]
    more: list[Grant]
    unnamed: list[str]
    """Tables and functions that are not named above."""
    gone: list[str]
    """Named above and not there."""

    def sentences(self) -> list[str]:
        place = "backend/tidegate/grants.py"
        return [
            *(f"{name} is not in {place}: say there what api, worker and auditor may do." for name in self.unnamed),
            *(f"{name} is in {place} and not in the database." for name in self.gone),
            *(f"{g.role} has no {g.privilege} on {_told(g)}." for g in self.missing),
            *(f"{g.role} has {g.privilege} on {_told(g)}, which nobody declared." for g in self.more),
        ]


def _told(grant: Grant) -> str:
    return f"{grant.kind.lower()} {grant.name}" + (f" ({grant.column})" if grant.column else "")


# Everything that anybody but an object's owner may do in this database and its schema; functions by name and arguments.
_FOUND = """
SELECT kind, name, "column", CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type
FROM (
    SELECT 'TABLE' AS kind, c.relname::text AS name, '' AS "column", c.relowner AS owner, a.grantee, a.privilege_type
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'TABLE', c.relname, t.attname, c.relowner, a.grantee, a.privilege_type
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.attisdropped
    UNION ALL
    SELECT 'FUNCTION', p.oid::regprocedure::text, '', p.proowner, a.grantee, a.privilege_type
    FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'SCHEMA', n.nspname, '', n.nspowner, a.grantee, a.privilege_type
    FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    WHERE n.nspname = 'public'
    UNION ALL
    SELECT 'DATABASE', d.datname, '', d.datdba, a.grantee, a.privilege_type
    FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE d.datname = current_database()
) g WHERE grantee <> owner
"""
_THERE = """
SELECT c.relname::text AS name, '' AS arguments FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""
_ONE = re.compile(r"\s*([A-Z]+)\s*(?:\(([^)]*)\))?\s*(?:,|$)")


async def differences(connection: "asyncpg.Connection[Any]", roles: Roles) -> Difference:
    """The database of this connection against the table above. Anybody may ask."""
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = public")
        found = {Grant(*row) for row in await connection.fetch(_FOUND)}
        there = [(row["name"], row["arguments"]) for row in await connection.fetch(_THERE)]
        database = await connection.fetchval("SELECT current_database()")
    tables = {name for name, arguments in there if not arguments}
    functions = defaultdict(list)
    for name, arguments in there:
        if arguments:
            functions[name].append(arguments)
    wanted = set(_declared(roles, tables, functions, database))
    named = TABLES.keys() | FUNCTIONS.keys()
    return Difference(
        missing=sorted(wanted - found),
        more=sorted(found - wanted),
        unnamed=sorted(
            {f"table {name}" for name in tables - TABLES.keys()}
            | {f"function {name}" for name in functions.keys() - FUNCTIONS.keys()}
        ),
        gone=sorted(named - tables - functions.keys()),
    )


def _declared(roles: Roles, tables: set[str], functions: dict[str, list[str]], database: str) -> Iterable[Grant]:
    for duty in DUTIES:
        yield Grant("DATABASE", database, "", roles.of(duty), "CONNECT")
        yield Grant("SCHEMA", "public", "", roles.of(duty), "USAGE")
    for name in TABLES.keys() & tables:
        for duty, words in _each(TABLES[name]):
            for privilege, columns in _parsed(words):
                for column in columns:
                    yield Grant("TABLE", name, column, roles.of(duty), privilege)
    for name in FUNCTIONS.keys() & functions.keys():
        for duty, words in _each(FUNCTIONS[name]):
            for privilege, _ in _parsed(words):
                for one in functions[name]:
                    yield Grant("FUNCTION", one, "", roles.of(duty), privilege)


def _each(may: May) -> list[tuple[Duty, str]]:
    return [("api", may.api), ("worker", may.worker), ("auditor", may.auditor)]


def _parsed(words: str) -> list[tuple[str, list[str]]]:
    """`SELECT (a, b), DELETE` → [("SELECT", ["a", "b"]), ("DELETE", [""])]."""
    found = _ONE.findall(words)
    assert sum(len(match.group()) for match in _ONE.finditer(words)) == len(words), words
    return [
        (privilege, [name.strip() for name in columns.split(",")] if columns else [""]) for privilege, columns in found
    ]


class NoRoles(Exception):
    """The roles are not there, or the database does not belong to their owner: `tidegate database init` was not run."""


async def apply(connection: "asyncpg.Connection[Any]", roles: Roles) -> list[str]:
    """Make the database say what the table says, as the owner; the statements that it took, none when all was well."""
    ours = [roles.owner, *(roles.of(duty) for duty in DUTIES)]
    known = await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)", ours)
    owner = await connection.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    if known < len(ours) or owner != roles.owner:
        raise NoRoles
    async with connection.transaction():
        # Two migrations at once would both find the same difference.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('tidegate roles'))")
        await connection.execute(f"SET LOCAL ROLE {roles.owner}")
        await connection.execute("SET LOCAL search_path = public")
        # Functions are born open to everybody; those of later migrations are not.
        await connection.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        statements = _statements(await differences(connection, roles))
        for statement in statements:
            await connection.execute(statement)
    return statements


def _statements(found: Difference) -> list[str]:
    """REVOKE what is more, then GRANT what is missing, columns of one privilege together."""
    said: dict[tuple[str, str, str, str, str, str], list[str]] = defaultdict(list)
    for verb, word, grants in (("REVOKE", "FROM", found.more), ("GRANT", "TO", found.missing)):
        for g in grants:
            said[verb, g.privilege, g.kind, g.name, word, g.role].append(g.column)
    statements = []
    for (verb, privilege, kind, name, word, role), columns in said.items():
        some = f" ({', '.join(_quoted(column) for column in columns if column)})" if any(columns) else ""
        on = name if kind == "FUNCTION" else _quoted(name)
        statements.append(
            f"{verb} {privilege}{some} ON {kind} {on} {word} {role if role == 'PUBLIC' else _quoted(role)}"
        )
    return statements


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
