"""What the commands do that keep the house: backup, restore, freezes and their release. Words for people, exit codes for
scripts."""

import asyncio
import getpass
from pathlib import Path

from rich.table import Column, Table

from tidegate import backup
from tidegate.backup import BackupError
from tidegate.compliance import freeze
from tidegate.compliance.rules import EVERYTHING
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.operate import WIDE, err, out
from tidegate.parts import open_parts
from tidegate.refusal import Refusal
from tidegate.roles import Roles
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Failed
from tidegate.transactions import reconcile, recover


def make(settings: Settings, folder: Path) -> int:
    """0 when the copy is written, 1 with the reason."""
    told = asyncio.run(SignerDoor(settings.signer.socket).status())
    lines = None if isinstance(told, Failed) else told.journal_lines
    roles = Roles(settings.database.role_prefix)
    try:
        made = backup.make(settings.database_url("migrator"), roles, folder, journal_lines=lines)
    except BackupError as error:
        err.print(str(error), markup=False)
        return 1
    out.print(f"{folder}: {made.bytes:,} bytes, schema {made.schema}, SHA-256 {made.sha256}", soft_wrap=True)
    out.print("It is not encrypted and holds your customers' data: keep it where the database would be safe.")
    out.print(
        "Not in it: the signer's journal and keys, and the key file of [auth]. Keep those elsewhere, each by itself."
    )
    return 0


def put_back(settings: Settings, folder: Path, *, by: str, replace: bool) -> int:
    """0 when it is restored, frozen, and nothing is open; 1 when something is; 2 with the reason when it is not restored."""
    roles = Roles(settings.database.role_prefix)
    try:
        found = backup.put_back(
            settings.database_url("migrator"), roles, folder, by=by or getpass.getuser(), replace=replace
        )
    except BackupError as error:
        err.print(str(error), markup=False)
        return 2
    out.print(f"Restored from the backup of {found.at}. It is frozen: nothing is paid, moved, credited or accepted.")
    return asyncio.run(_compare(settings))


def mark(settings: Settings, *, by: str) -> int:
    """As `put_back`, for a database that is there already."""
    roles = Roles(settings.database.role_prefix)
    try:
        backup.mark(settings.database_url("migrator"), roles, by=by or getpass.getuser())
    except BackupError as error:
        err.print(str(error), markup=False)
        return 2
    out.print("It is frozen: nothing is paid, moved, credited or accepted.")
    return asyncio.run(_compare(settings))


async def _compare(settings: Settings) -> int:
    """Bring back what the signer signed since, and say what is open; the worker goes on with it by itself."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        async with parts.db.reading() as session:
            stands = await freeze.restored(session)
        assert stands is not None
        found = await recover.look(parts.office, parts.spender, stands)
    for one in found.adopted:
        out.print(f"Signed since, in the books again: withdrawal {one}", soft_wrap=True)
    for one in found.open:
        out.print(f"Open: {one}", soft_wrap=True, markup=False)
    out.print("Start api and worker: they settle what was paid and compare with chains and exchanges, and pay nothing.")
    out.print("Then: `tidegate freezes`, and `tidegate release` with your reason.")
    return 1 if found.open else 0


async def freezes(settings: Settings) -> int:
    """What stands frozen, and why; exit status 1 when something does."""
    db = Database(settings.database_url("auditor"), pool_size=2, application="tidegate-cli")
    try:
        async with db.reading() as session:
            standing = await freeze.standing(session)
    finally:
        await db.close()
    table = Table("asset", "cause", "place", Column("since (UTC)", no_wrap=True), Column("why", overflow="fold"))
    for one in standing:
        sentences = [one.reason, *one.found.get("open", ())]
        table.add_row(one.asset, one.cause.value, one.place, f"{one.at:%Y-%m-%d %H:%M:%S}", "\n".join(sentences))
    if standing:
        table.show_lines = out.width < WIDE
        out.print(table)
    else:
        out.print("Nothing is frozen.")
    return 1 if standing else 0


async def release(settings: Settings, asset: str, *, by: str, reason: str, force: bool) -> int:
    """0 when it goes on, 1 with what speaks against it."""
    async with open_parts(settings, process="cli", duty="worker") as parts:
        try:
            gone = await reconcile.release(
                parts.office, asset=asset, by=by or getpass.getuser(), reason=reason, force=force
            )
        except Refusal as refusal:
            err.print(refusal.detail, markup=False)
            return 1
    what = "Payouts go on" if asset == EVERYTHING else f"Payouts of {asset} go on"
    out.print(f"{what}; {len(gone)} freezes released, by {gone[0].released_by}.")
    return 0
