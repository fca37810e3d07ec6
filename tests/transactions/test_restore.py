"""A database put back from a backup, by PostgreSQL's own tools, while chains and signer know what happened since.

TIDEGATE_RESTORES says how often, TIDEGATE_RESTORE_PAYOUTS how many payouts are under way at the time, TIDEGATE_SEED where
the dice begin: `make test-full` restores 20 times with 50 payouts.
"""

import asyncio
import dataclasses
import json
import os
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import ROLES, SERVING, as_login, on_database
from tests.transactions.test_request import refused
from tests.transactions.world import BITCOIN_STRANGER, STRANGER, Someone, World
from tidegate import backup, grants
from tidegate.auth.gate import open_gate
from tidegate.backup import BackupError
from tidegate.compliance import freeze, pause
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.refusal import Kind, Refusal
from tidegate.roles import take_over
from tidegate.signing.messages import Failed
from tidegate.transactions import books, reconcile, recover, withdraw

RESTORES = int(os.environ.get("TIDEGATE_RESTORES", "1"))
PAYOUTS = int(os.environ.get("TIDEGATE_RESTORE_PAYOUTS", "6"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))


@asynccontextmanager
async def put_back(world: World, admin_url: str, folder: Path, **how: Any) -> AsyncIterator[World]:
    """The house on the database of the backup; chains and signer as they are now. It works under the workers' own login."""
    name = f"t_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name} OWNER {ROLES.owner}")
    inside = await asyncpg.connect(on_database(admin_url, name))
    await take_over(inside, ROLES)
    await inside.close()
    url = on_database(admin_url, name)
    try:
        migrator = as_login(url, ROLES.login("migrator"))
        await asyncio.to_thread(backup.put_back, migrator, ROLES, folder, by="ana", **how)
        login, force_url = (one.replace("postgresql:", "postgresql+asyncpg:") for one in (as_login(url, SERVING), url))
        db = Database(login, pool_size=5, application="tidegate-test")
        force = Database(force_url, pool_size=1, application="tidegate-test")
        try:
            restored = dataclasses.replace(world, db=db, lane=Lane(db), superuser_db=force)
            restored.gate = open_gate(db, world.settings)
            restored.bitcoin, restored.evm = world.bitcoin, world.evm
            restored.furnish(world.settings)
            yield restored
        finally:
            await db.close()
            await force.close()
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def make(superuser_url: str, folder: Path) -> None:
    await asyncio.to_thread(backup.make, as_login(superuser_url, ROLES.login("migrator")), ROLES, folder)


async def stands(world: World) -> freeze.Freeze:
    async with world.db.reading() as session:
        found = await freeze.restored(session)
    assert found is not None
    return found


async def let_go(world: World, *, force: bool = False) -> None:
    await reconcile.release(world.office, asset="*", by="ana", reason="everything was compared", force=force)


def paid(world: World) -> Counter[tuple[str, str, int]]:
    """What ever reached a recipient on any chain."""
    return Counter(world.evm.node.paid) + Counter(world.bitcoin.node.paid)


async def crowd(world: World, dice: random.Random) -> dict[uuid.UUID, tuple[str, str, int]]:
    """Payouts at every stage of their way, each of its own units, so that the chain tells them apart."""
    await world.stock(USDT=10**12, ETH=10**19)
    for _ in range(max(PAYOUTS // 3, 3)):
        await world.stock(BTC=10**8)
    people = [await world.someone(USDT=10**10, BTC=10**9) for _ in range(2)]
    wanted = {}
    for number in range(PAYOUTS):
        code, units = dice.choice(["USDT", "BTC"]), 1_000_000 + number
        done = await world.verified(dice.choice(people), code, deliver=units, fee=10_000)
        wanted[done] = (code, BITCOIN_STRANGER if code == "BTC" else STRANGER, units)
        if dice.random() < 3 / PAYOUTS:
            await world.turn(mine=dice.randrange(2))
    return wanted


@pytest.mark.parametrize("restore", range(RESTORES))
@pytest.mark.timeout(1800)
async def test_from_whatever_moment_the_backup_is_nothing_is_paid_twice_and_everything_once(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path, restore: int
) -> None:
    """The backup is of one moment, the house goes on to another one, and then the database of the first is all there is.
    What was signed meanwhile is in the books again before anything is paid; what was not is paid after the release."""
    dice = random.Random(SEED * 1_000 + restore)
    wanted = await crowd(world, dice)
    for _ in range(dice.randrange(4)):
        await world.turn(mine=dice.randrange(2))
    before = paid(world)
    await make(superuser_url, tmp_path / "b")
    for _ in range(dice.randrange(1, 10)):
        await world.turn(mine=dice.randrange(2))
    signed, since = set(world.signer.journal), paid(world) - before
    async with put_back(world, admin_url, tmp_path / "b") as again:
        for _ in range(3):
            await recover.step(again.office, again.spender)
            await again.turn(mine=1)
        assert (await stands(again)).found["open"] == []
        # What a node had already came into blocks; nothing else was signed or left.
        assert set(world.signer.journal) == signed
        assert set(paid(world)) <= {wanted[uuid.UUID(one)] for one in signed}
        await reconcile.Checker(again.office).step()
        await let_go(again)
        for _ in range(60):
            await again.turn(mine=1)
            left = await again.one("SELECT count(*) FROM withdrawals WHERE state <> 'completed'")
            if not left:
                break
        assert paid(world) == Counter(wanted.values()), f"seed {SEED}, restore {restore}"
        assert left == 0
        await again.exact()
    print(
        f"restore {restore}: {len(wanted)} payouts, {since.total()} of them paid since the backup, 0 twice", flush=True
    )


async def ready(world: World) -> Someone:
    await world.stock(USDT=1_000_000_000, ETH=10**18, BTC=10_000_000)
    return await world.someone(USDT=100_000_000, BTC=1_000_000)


async def test_a_restored_database_pays_credits_and_ends_nothing_until_it_is_released(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path
) -> None:
    who = await ready(world)
    done, asked = await world.verified(who), await world.asked(who)
    await make(superuser_url, tmp_path / "b")
    async with put_back(world, admin_url, tmp_path / "b") as again:
        await recover.step(again.office, again.spender)
        for _ in range(5):
            await again.turn(mine=1)
        assert await again.standing(done) == ("queued", "frozen")
        assert paid(world) == Counter()
        assert again.signer.asked == 0
        for one in (done, asked):
            await refused(Kind.CANNOT_CANCEL, again.cancel(who, one))
        row = (await again.rows("SELECT challenge_expires_at AS at FROM withdrawals WHERE id = :id", id=asked))[0]
        assert await withdraw.expire(again.office, row.at) == 0
        shown = await books.last(again.office)
        assert (shown.restored, shown.frozen) == (True, ["*"])
        with pytest.raises(Refusal, match="tidegate release"):
            await pause.resume(again.db, asset="*", by="somebody in a hurry")
        await refused(Kind.CONFLICT, let_go(again))  # the books were not checked since
        await reconcile.Checker(again.office).step()
        await let_go(again)
        await again.until(done, "completed")


async def test_a_restore_is_not_released_before_signer_and_node_could_be_asked(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await ready(world)
    done = await world.verified(who)
    await make(superuser_url, tmp_path / "b")
    await world.until(done, "confirming")
    async with put_back(world, admin_url, tmp_path / "b") as again:
        with monkeypatch.context() as away:

            async def gone() -> Failed:
                return Failed("it cannot be reached", written=False)

            away.setattr(again.signer, "signed_lately", gone)
            await recover.step(again.office, again.spender)
            await reconcile.Checker(again.office).step()
            assert "the signer cannot be asked" in (await stands(again)).found["open"][0]
            await refused(Kind.CONFLICT, let_go(again))
        world.evm.node.down = True
        await recover.step(again.office, again.spender)
        assert "its node cannot be asked" in (await stands(again)).found["open"][0]
        world.evm.node.down = False
        await recover.step(again.office, again.spender)
        assert (await stands(again)).found == {**(await stands(again)).found, "open": [], "adopted": [str(done)]}
        await reconcile.Checker(again.office).step()
        await let_go(again)
        await again.until(done, "completed")
        assert max(paid(world).values()) == 1


async def test_a_payout_whose_withdrawal_was_lost_with_the_database_is_said_and_stands_against_the_release(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path
) -> None:
    who = await ready(world)
    await world.until(await world.verified(who), "completed")
    await make(superuser_url, tmp_path / "b")
    lost = await world.verified(who)
    await world.until(lost, "completed")
    async with put_back(world, admin_url, tmp_path / "b") as again:
        await recover.step(again.office, again.spender)
        told = (await stands(again)).found["open"]
        assert f"withdrawal {lost} is not in the books: 25000000 units of USDT" in told[0]
        assert "ethereum: the chain counts 2 transactions of the hot address, the books 1" in told[1]
        await reconcile.Checker(again.office).step()
        await refused(Kind.CONFLICT, let_go(again))
        await let_go(again, force=True)
        # What is known to be missing stops nothing any more, and the account goes on at its next nonce.
        for _ in range(2):
            await reconcile.Checker(again.office).step()
        assert await reconcile.frozen(again.office) == []
        await again.until(await again.verified(who), "completed")
        assert sum(paid(world).values()) == 3


async def test_a_backup_is_its_owners_alone_whole_or_refused_and_put_back_into_nothing(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path
) -> None:
    await ready(world)
    folder = tmp_path / "b"
    await make(superuser_url, folder)
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, *sorted(folder.iterdir()))] == [
        "0o700",
        "0o600",
        "0o600",
    ]
    with pytest.raises(BackupError, match="not empty"):
        await make(superuser_url, folder)
    with pytest.raises(BackupError, match="not empty"):
        await asyncio.to_thread(backup.put_back, superuser_url, ROLES, folder, by="ana")
    dump = folder / backup.DUMP
    dump.write_bytes(dump.read_bytes()[:-1] + b"x")
    with pytest.raises(BackupError, match="damaged"):
        backup.check(folder)
    manifest = json.loads((folder / backup.MANIFEST).read_text())
    (folder / backup.MANIFEST).write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(BackupError, match="another format"):
        backup.check(folder)
    with pytest.raises(BackupError, match="holds no backup"):
        backup.check(tmp_path)


async def test_everybody_is_signed_out_of_a_restored_database_and_its_doors_are_as_declared(
    world: World, superuser_url: str, admin_url: str, tmp_path: Path
) -> None:
    await ready(world)
    await make(superuser_url, tmp_path / "b")
    async with put_back(world, admin_url, tmp_path / "b") as again:
        assert await again.one("SELECT count(*) FROM withdrawals") == 0
        async with again.superuser_db.reading() as session:
            raw = (await (await session.connection()).get_raw_connection()).driver_connection
            assert (await grants.differences(raw, ROLES)).sentences() == []  # type: ignore[arg-type]  # asyncpg's own
