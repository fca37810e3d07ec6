"""What the operator's commands do: users, single withdrawals, pauses, the audit. Words for people, exit codes for scripts."""

import os
import uuid
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from tidegate import roles as database_roles
from tidegate.auth import accounts
from tidegate.compliance import pause as pauses
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.parts import open_parts
from tidegate.refusal import Refusal
from tidegate.roles import DUTIES, Duty, Roles
from tidegate.transactions import audit as books
from tidegate.transactions import intervene

out = Console()
err = Console(stderr=True)


def _database(settings: Settings, duty: Duty) -> Database:
    return Database(settings.database_url(duty), pool_size=2, application="tidegate-cli")


async def init_database(admin_url: str, name: str, prefix: str) -> None:
    """Roles, logins for the passwords in the environment, the database; each step said."""
    roles = Roles(prefix)
    passwords = {duty: word for duty in DUTIES if (word := os.environ.get(f"DATABASE_PASSWORD_{duty.upper()}"))}
    admin = await asyncpg.connect(admin_url)
    try:
        await database_roles.init(admin, roles, database=name, passwords=passwords)
    finally:
        await admin.close()
    inside = await asyncpg.connect(admin_url, database=name)
    try:
        await database_roles.take_over(inside, roles)
    finally:
        await inside.close()
    out.print(f"Roles: {roles.owner}, {', '.join(roles.of(duty) for duty in DUTIES)}.")
    for duty in passwords:
        out.print(f"Login: {roles.login(duty)}, a member of {roles.of(duty)}.")
    out.print(f"Database: {name}, which belongs to {roles.owner}. Next: `tidegate migrate` as the migrator.")


def init_sql(name: str, prefix: str) -> str:
    """A script for psql that does the same, without logins."""
    roles = Roles(prefix)
    return "\n".join(
        [
            *(f"{statement};" for statement in database_roles.cluster_sql(roles)),
            f'CREATE DATABASE "{name}" OWNER {roles.owner}; -- or: it is there already',
            f"\\connect {name}",
            *(f"{statement};" for statement in database_roles.database_sql(roles, name)),
            "-- A user for each process, for example:",
            *(f"-- CREATE ROLE {roles.login(duty)} LOGIN PASSWORD '…' IN ROLE {roles.of(duty)};" for duty in DUTIES),
        ]
    )


async def create_user(settings: Settings, email: str, password: str, roles: list[str]) -> str:
    """Make a user with these roles; its id."""
    async with open_parts(settings, process="cli", duty="api") as parts, parts.db.transaction() as session:
        return str(await accounts.create_user(session, email=email, password=password, roles=roles))


async def grant(settings: Settings, email: str, role: str) -> None:
    db = _database(settings, "api")
    try:
        async with db.transaction() as session:
            user = await accounts.user_by_email(session, email)
            if user is None:
                err.print(f"There is no user {email}.")
                raise SystemExit(1)
            await accounts.grant_role(session, user_id=user.id, role=role)
    finally:
        await db.close()


async def list_withdrawals(settings: Settings, states: list[str], limit: int) -> None:
    """A table: id, state, what it waits for, since when, what arrives where."""
    db = _database(settings, "auditor")
    try:
        async with db.reading() as session:
            lines = await intervene.withdrawals(session, states=states, limit=limit)
    finally:
        await db.close()
    table = Table(Column("id", no_wrap=True), "state", "waits", "since (UTC)", "deliver", "to")
    for line in lines:
        since = f"{line.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(line.id), line.state, line.waits, since, str(line.deliver), line.address)
    out.print(table)


async def act(settings: Settings, action: str, withdrawal_id: str, reason: str) -> int:
    """hold, release or reject; 0 when done, 1 when refused with the reason."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            identity = uuid.UUID(withdrawal_id)
            await intervene.ACTIONS[action](parts.office, identity, reason=reason, by="operator", now=utcnow())
        except ValueError:
            err.print("That is not an id.")
            return 1
        except Refusal as refusal:
            err.print(refusal.detail)
            return 1
    out.print(f"{withdrawal_id}: {action} done.")
    return 0


async def pause(settings: Settings, code: str, reason: str) -> None:
    db = _database(settings, "worker")
    try:
        await pauses.pause(db, asset=code, by="operator", reason=reason)
    finally:
        await db.close()
    out.print("Payouts stand still." if code == "*" else f"Payouts of {code} stand still.")


async def resume(settings: Settings, code: str) -> None:
    db = _database(settings, "worker")
    try:
        await pauses.resume(db, asset=code, by="operator")
    finally:
        await db.close()
    out.print("Going on.")


async def audit(settings: Settings, *, quiet: bool) -> tuple[int, dict[str, Any]]:
    """(exit code, report): 0 exact, 1 differs, 2 could not check."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet) as progress:
        task = progress.add_task("opening")
        try:
            async with open_parts(settings, process="cli", duty="auditor") as parts:
                report = await books.run(
                    parts.office, now=utcnow(), progress=lambda name: progress.update(task, description=name)
                )
        except OSError as error:
            err.print(f"The database cannot be asked: {error}")
            return 2, {"verdict": "unchecked", "unchecked": [f"database: {error}"]}
    body = report.to_json()
    if not quiet:
        _print(body)
    return {"exact": 0, "differs": 1, "unchecked": 2}[report.verdict], body


def _print(body: dict[str, Any]) -> None:
    table = Table("place", "asset", "ledger", "terms", "world", "difference")
    for line in body["lines"]:
        terms = "\n".join(f"{name} {units}" for name, units in line["terms"].items())
        table.add_row(line["place"], line["asset"], line["ledger"], terms, line["world"], line["difference"])
    out.print(table)
    for finding in body["findings"]:
        out.print(f"[bold]{finding['check']}[/bold]: {finding['detail']}")
    for line in body["unchecked"]:
        out.print(f"not checked: {line}")
    out.print(f"Verdict: [bold]{body['verdict']}[/bold]")
