"""Migrations go up, down and up again, and end where the mapped classes say."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from tests.conftest import alembic_config, on_database


@pytest.fixture
async def empty_url(admin_url: str) -> AsyncIterator[str]:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("DROP DATABASE IF EXISTS migrations_only")
    await connection.execute("CREATE DATABASE migrations_only")
    yield on_database(admin_url, "migrations_only")
    await connection.execute("DROP DATABASE migrations_only WITH (FORCE)")
    await connection.close()


async def test_the_schema_upgrades_downgrades_upgrades_and_shows_no_drift(empty_url: str) -> None:
    config = alembic_config(empty_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    await asyncio.to_thread(command.downgrade, config, "base")
    await asyncio.to_thread(command.upgrade, config, "head")
    # Raises when autogenerate would change anything.
    await asyncio.to_thread(command.check, config)


async def test_addresses_of_an_earlier_version_join_the_sequence_of_their_family(empty_url: str) -> None:
    config = alembic_config(empty_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    await asyncio.to_thread(command.downgrade, config, "0015_answers")
    connection = await asyncpg.connect(empty_url)
    try:
        await connection.execute(
            """
            INSERT INTO users (id, email, email_canonical, password_hash, password_changed_at, created_at)
            VALUES ('00000000-0000-0000-0000-000000000001', 'a@b.example', 'a@b.example', 'none', now(), now());
            INSERT INTO address_index VALUES ('bitcoin', 1, 1000), ('ethereum', 2, 1002), ('unused', 0, 1000);
            INSERT INTO deposit_addresses (id, user_id, network, index, address, created_at)
            SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', network, index, address, now()
            FROM (VALUES ('bitcoin', 0, 'bcrt1qa'), ('ethereum', 0, '0xA'), ('ethereum', 1, '0xB')) a(network, index, address)
            """
        )
        await asyncio.to_thread(command.upgrade, config, "head")
        rows = await connection.fetch("SELECT family, next_index, watched_upto FROM address_index ORDER BY 1")
        assert [tuple(row) for row in rows] == [("bitcoin", 1, 1000), ("evm", 2, 1002)]
        families = await connection.fetch("SELECT address, family FROM deposit_addresses ORDER BY 1")
        assert {row["address"]: row["family"] for row in families} == {"0xA": "evm", "0xB": "evm", "bcrt1qa": "bitcoin"}
        await asyncio.to_thread(command.downgrade, config, "0015_answers")
        rows = await connection.fetch("SELECT network, next_index FROM address_index ORDER BY 1")
        assert [tuple(row) for row in rows] == [("bitcoin", 1), ("ethereum", 2)]
    finally:
        await connection.close()


async def test_ether_that_was_moved_before_it_was_written_down_is_nobodys_deposit(empty_url: str) -> None:
    config = alembic_config(empty_url)
    await asyncio.to_thread(command.upgrade, config, "0018_deposits")
    connection = await asyncpg.connect(empty_url)
    try:
        await connection.execute(
            """
            INSERT INTO users (id, email, email_canonical, password_hash, password_changed_at, created_at)
            VALUES (gen_random_uuid(), 'a@b.example', 'a@b.example', 'none', now(), now());
            INSERT INTO deposit_addresses (id, user_id, network, index, address, created_at)
            SELECT gen_random_uuid(), id, 'ethereum', 7, '0xA', now() FROM users;
            CREATE TEMPORARY TABLE made (set_id uuid, n int, purpose text, asset text, units numeric, state text, fee numeric);
            INSERT INTO made
            SELECT gen_random_uuid(), * FROM (VALUES
                (1, 'top_up', 'ETH', 900, 'final', 50), (2, 'sweep', 'USDT', 25, 'final', 600),
                (3, 'sweep', 'ETH', 100, 'reverted', 7), (4, 'sweep', 'ETH', 100, 'final', 9),
                (5, 'sweep', 'ETH', 100, 'dropped', NULL)) m;
            INSERT INTO attempt_sets (id, network, purpose, asset, speed, stage, created_at, due_at, fence, ended_at, outcome)
            SELECT set_id, 'ethereum', purpose, asset, 'economy', 'ended', now(), now(), 0, now(), 'final' FROM made;
            INSERT INTO moves (set_id, network, purpose, asset, units, address_index, to_cold, address, deposits, booked,
                               created_at, ended_at)
            SELECT set_id, 'ethereum', purpose, asset, units, 7, false, '0xA', '[]', 'arrived', now(), now() FROM made;
            INSERT INTO attempts (id, set_id, network, state, plan, raw, txid, fee_units, confirmations, block_height, created_at)
            SELECT gen_random_uuid(), set_id, 'ethereum', state, '{}', 'raw', '0x' || n, fee, 6,
                   CASE WHEN state <> 'dropped' THEN 100 + n END, now() FROM made;
            """
        )
        await asyncio.to_thread(command.upgrade, config, "head")
        rows = await connection.fetch("SELECT txid, address, units, block_height FROM ether_flows ORDER BY txid")
        assert [tuple(row) for row in rows] == [
            ("0x1", "0xA", 900, 101),
            ("0x2", "0xA", -600, 102),
            ("0x3", "0xA", -7, 103),
            ("0x4", "0xA", -109, 104),
        ]
    finally:
        await connection.close()
