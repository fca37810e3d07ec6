"""What the operator's commands do: users, single withdrawals, pauses, the audit. Words for people, exit codes for scripts."""

import os
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table
from sqlalchemy.exc import SQLAlchemyError

from tidegate import roles as database_roles
from tidegate.auth import accounts
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import pause as pauses
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.parts import open_parts
from tidegate.refusal import Kind, Refusal
from tidegate.roles import DUTIES, Duty, Roles
from tidegate.transactions import audit as books
from tidegate.transactions import intervene, trial, waiting
from tidegate.wallets import desk
from tidegate.wallets.book import explain

WIDE = 150
"""Columns that an id, an address and the rest of a withdrawal need beside each other."""
PLAIN_WIDTH = 200
"""Where nobody watches: a line of a table is a line of the file, for grep."""

out = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
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
    """Make a user with these roles; its id. SystemExit 1 with the reason when refused."""
    try:
        async with open_parts(settings, process="cli", duty="api") as parts, parts.db.transaction() as session:
            return str(await accounts.create_user(session, email=email, password=password, roles=roles))
    except Refusal as refusal:
        err.print(refusal.detail, markup=False)
        raise SystemExit(1) from None


async def grant(settings: Settings, email: str, role: str) -> None:
    """Give a user a role. SystemExit 1 with the reason when refused."""
    db = _database(settings, "api")
    try:
        async with db.transaction() as session:
            user = await accounts.user_by_email(session, email)
            if user is None:
                raise Refusal(Kind.NOT_FOUND, f"There is no user {email}.")
            await accounts.grant_role(session, user_id=user.id, role=role)
    except Refusal as refusal:
        err.print(refusal.detail, markup=False)
        raise SystemExit(1) from None
    finally:
        await db.close()


async def list_withdrawals(settings: Settings, states: list[str], limit: int) -> None:
    """A table: id, state, what it waits for, since when, what arrives where. Nothing is cut, however narrow it is."""
    db = _database(settings, "auditor")
    try:
        async with db.reading() as session:
            lines = await intervene.withdrawals(session, states=states, limit=limit)
    finally:
        await db.close()
    # On a usual terminal the six stand in pairs, one above the other: ids and addresses are long.
    pairs = out.width < WIDE
    heads = ("id", "state", "waits", "since (UTC)", "deliver", "to")
    order = ((0, 5), (1, 2), (3, 4)) if pairs else tuple((index,) for index in range(len(heads)))

    def row(cells: Sequence[str]) -> list[str]:
        return ["\n".join(cells[index] for index in group) for group in order]

    first, *others = row(heads)
    table = Table(Column(first, no_wrap=not pairs, min_width=36, overflow="fold"), show_lines=pairs)
    for head in others:
        table.add_column(head, overflow="fold")
    for line in lines:
        since = f"{line.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(*row((str(line.id), line.state, line.waits, since, str(line.deliver), line.address)))
    out.print(table)


async def list_stuck(settings: Settings, limit: int) -> int:
    """What waits for longer than its reason allows, the oldest first, with how each wait ends; 1 when there is any."""
    db = _database(settings, "auditor")
    try:
        rows = await waiting.stuck(db, limit=limit, now=utcnow())
    finally:
        await db.close()
    table = Table(
        Column("id", min_width=36, overflow="fold"), "state", "waits", "since (UTC)", "promised by (UTC)", "way out"
    )
    for row in rows:
        promised = f"{row.expected_by:%Y-%m-%d %H:%M:%S}" if row.expected_by is not None else ""
        way = waiting.exit_of(row.state, row.sub_status).way
        table.add_row(str(row.id), row.state, row.sub_status or "", f"{row.since:%Y-%m-%d %H:%M:%S}", promised, way)
    out.print(table)
    return int(bool(rows))


async def list_promises(settings: Settings) -> None:
    """How many promises of `expected_by` were kept in the last days, by network and asset."""
    db = _database(settings, "auditor")
    try:
        _, found = await waiting.look(db, now=utcnow())
    finally:
        await db.close()
    table = Table("network", "asset", *(Column(head, justify="right") for head in ("due", "kept", "share")))
    for one in found:
        table.add_row(one.network, one.asset, str(one.due), str(one.kept), f"{100 * one.kept / one.due:.1f} %")
    out.print(table)


async def show_withdrawal(settings: Settings, withdrawal_id: str) -> int:
    """Every move of one withdrawal as JSON: who, why, on what grounds, from where to where; 1 when there is none."""
    db = _database(settings, "auditor")
    try:
        async with db.reading() as session:
            found = await intervene.life(session, uuid.UUID(withdrawal_id))
    except ValueError:
        err.print("That is not an id.")
        return 1
    except Refusal as refusal:
        err.print(refusal.detail)
        return 1
    finally:
        await db.close()
    out.print_json(data=found)
    return 0


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


async def list_deposits(settings: Settings, states: list[str], network: str | None, limit: int) -> None:
    """A table of everybody's deposits, newest first."""
    db = _database(settings, "auditor")
    try:
        async with db.reading() as session:
            lines = await desk.page(session, settings, states=states, network=network, limit=limit, now=utcnow())
    finally:
        await db.close()
    table = Table(Column("id", min_width=36, overflow="fold"), show_lines=out.width < WIDE)
    for head in ("state", "why", "seen (UTC)", "amount", "network", "address"):
        table.add_column(head, overflow="fold")
    for line in lines:
        one = line.shown
        why = one.reason or one.sub_status or ""
        amount = f"{one.amount} {one.asset}" if one.contract is None else f"{one.amount} of {one.contract}"
        table.add_row(
            str(one.id), one.state, why, f"{one.detected_at:%Y-%m-%d %H:%M:%S}", amount, one.network, one.address
        )
    out.print(table)


async def show_deposit(settings: Settings, deposit_id: str) -> int:
    """Everything known of one deposit, as JSON; 1 when there is none."""
    db = _database(settings, "auditor")
    try:
        async with db.reading() as session:
            line = await desk.one(session, settings, deposit_id=uuid.UUID(deposit_id), now=utcnow())
    except ValueError:
        err.print("That is not an id.")
        return 1
    except Refusal as refusal:
        err.print(refusal.detail)
        return 1
    finally:
        await db.close()
    more = {"user_id": str(line.user_id), "booked": line.booked, "explained_by": line.explained_by}
    out.print_json(data=line.shown.model_dump(mode="json") | more)
    return 0


async def credit_deposit(settings: Settings, deposit_id: str, reason: str) -> int:
    """From suspense to its owner; 1 when refused with the reason."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            by = f"operator: {reason}"
            await explain(parts.db, parts.lane, deposit_id=uuid.UUID(deposit_id), by=by)
        except ValueError:
            err.print("That is not an id.")
            return 1
        except Refusal as refusal:
            err.print(refusal.detail)
            return 1
    out.print(f"{deposit_id}: credited.")
    return 0


async def rescan(settings: Settings, network: str, txid: str | None, height: int | None) -> int:
    """Look again at a transaction, or at every block from a height on; 1 when refused, 2 when the node cannot be asked."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        chain = parts.chains.get(network)
        if chain is None:
            err.print(f"There is no network {network} here: {', '.join(parts.chains) or 'none is open'}.")
            return 1
        try:
            if txid is not None:
                found = await desk.look_at(parts.db, parts.lane, chain, settings, txid=txid, now=utcnow())
                out.print(f"{found} found that were missed." if found else "Nothing was missed.")
            elif height is not None:
                first = await desk.look_from(parts.db, chain, height=height, now=utcnow())
                out.print(f"The worker reads again from block {first}.")
        except Refusal as refusal:
            err.print(refusal.detail)
            return 1
        except NodeUnavailable as error:
            err.print(str(error), markup=False)
            return 2
    return 0


async def bump(settings: Settings, withdrawal_id: str, rate: int) -> int:
    """Ask for a dearer transaction; 0 when the worker will try, 1 when refused with the reason."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            await intervene.bump(parts.office, uuid.UUID(withdrawal_id), rate=rate)
        except ValueError:
            err.print("That is not an id.")
            return 1
        except Refusal as refusal:
            err.print(refusal.detail)
            return 1
    out.print(f"{withdrawal_id}: the worker makes its transaction dearer at its next look, within what was agreed.")
    return 0


async def pause(settings: Settings, code: str, reason: str) -> None:
    db = _database(settings, "worker")
    try:
        await pauses.pause(db, asset=code, by="operator", reason=reason)
    finally:
        await db.close()
    out.print("Payouts stand still." if code == "*" else f"Payouts of {code} stand still.")


async def resume(settings: Settings, code: str) -> int:
    """0 when it goes on, 1 when the house itself has frozen it."""
    db = _database(settings, "worker")
    try:
        await pauses.resume(db, asset=code, by="operator")
    except Refusal as refusal:
        err.print(refusal.detail, markup=False)
        return 1
    finally:
        await db.close()
    out.print("Going on.")
    return 0


async def audit(settings: Settings, *, at: datetime | None, quiet: bool) -> tuple[int, dict[str, Any]]:
    """(exit code, report): 0 exact, 1 differs, 2 could not check. `at`: the books as they were."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # Nobody watches a file or a pipe: they get the report alone.
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task("opening", total=None, count="")

        def told(name: str, done: int = 0, of: int = 0) -> None:
            count = f"{done:,} of {of:,} entries" if of else ""
            progress.update(task, description=name.replace("_", " "), completed=done, total=of or None, count=count)

        try:
            if at is None:
                async with open_parts(settings, process="cli", duty="auditor") as parts:
                    report = await books.run(parts.office, now=utcnow(), progress=told)
            else:
                report = await _past(settings, at, told)
        except (OSError, SQLAlchemyError) as error:
            err.print(f"The database cannot be asked: {error}", markup=False)
            return 2, {"verdict": "unchecked", "unchecked": [f"database: {error}"]}
    body = report.to_json()
    if not quiet:
        show(body)
    return {"exact": 0, "differs": 1, "unchecked": 2}[report.verdict], body


async def _past(settings: Settings, at: datetime, told: books.Progress) -> books.Report:
    db = _database(settings, "auditor")
    try:
        return await books.run_at(db, at, progress=told)
    finally:
        await db.close()


async def trial_balance(settings: Settings, *, at: datetime | None, quiet: bool) -> tuple[int, dict[str, Any]]:
    """(exit code, document): 0 every asset balances, 1 some does not, 2 could not be asked."""
    db = _database(settings, "auditor")
    try:
        found = await trial.balance(db, at=at)
    except (OSError, SQLAlchemyError) as error:
        err.print(f"The database cannot be asked: {error}", markup=False)
        return 2, {"detail": f"database: {error}"}
    finally:
        await db.close()
    if not quiet:
        table = Table("asset", "account", "place", "side", Column("balance", justify="right"))
        for line in found.items:
            table.add_row(line.asset, line.account, line.place, line.side, line.balance)
        out.print(table)
        for total in found.totals:
            out.print(
                f"{total.asset}: debit {total.debit}, credit {total.credit}, difference {total.difference}",
                soft_wrap=True,
            )
    return int(not found.balances), found.model_dump(mode="json")


def moment(text: str | None) -> datetime | None:
    """A past moment with its zone, as an operator types it. SystemExit 2 when it is none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text).astimezone(UTC) if text else None
        if found is None or datetime.fromisoformat(text).tzinfo is None:
            raise ValueError
    except (ValueError, OverflowError):
        err.print("Give the moment with its zone: 2026-01-31T12:00:00Z.")
        raise SystemExit(2) from None
    if found > utcnow():
        err.print("That moment has not come yet.")
        raise SystemExit(2)
    return found


def show(body: dict[str, Any]) -> None:
    """The report of an audit, for people."""
    # A sum to read downwards: figures are never cut, so a usual terminal has no room for them side by side.
    table = Table("place", "asset", "term", Column("amount", justify="right", no_wrap=True))
    for line in body["lines"]:
        terms = {"ledger": line["ledger"], **line["terms"], "difference": line["difference"], "world": line["world"]}
        table.add_row(line["place"], line["asset"], "\n".join(terms), "\n".join(terms.values()), end_section=True)
    if body["lines"]:
        out.print(table)
    for finding in body["findings"]:
        out.print(f"{finding['check']}: {finding['detail']}", markup=False)
    for line in body["unchecked"]:
        out.print(f"not checked: {line}")
    for line in body["left_out"]:
        out.print(f"left out: {line}")
    out.print(f"Verdict: [bold]{body['verdict']}[/bold]")
