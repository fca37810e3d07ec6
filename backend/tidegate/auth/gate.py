"""What auth needs to do its work in one process: the database, the keys, the threads. Made once, at start."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tidegate.auth.keyring import Keyring, load_keyring
from tidegate.auth.passwords import Hashing
from tidegate.auth.tokens import Tokens
from tidegate.config import Settings
from tidegate.database import Database, database_of, engine_to


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """`beside` is a small pool of its own, for counters that must be written while the caller holds a connection."""

    db: Database
    settings: Settings
    keys: Keyring
    tokens: Tokens
    hashing: Hashing
    beside: AsyncEngine


_GATES: dict[Database, Gate] = {}
"""By database, from `open_gate` until the engine is disposed."""


def open_gate(db: Database, settings: Settings) -> Gate:
    """Load (in the sandbox: make) the keys and stand ready. Closes by itself when the database's engine is disposed."""
    keys = load_keyring(settings)
    gate = Gate(
        db=db,
        settings=settings,
        keys=keys,
        tokens=Tokens(keys, issuer=settings.api.public_url, seconds=settings.auth.access_seconds),
        hashing=Hashing(settings.auth.argon2_memory_kib),
        # Counting with the main pool could starve: everybody holds one connection and waits for a second.
        beside=engine_to(db.engine.url, pool_size=2, max_overflow=2, isolation_level="AUTOCOMMIT"),
    )
    event.listen(db.engine.sync_engine, "engine_disposed", lambda _engine: _close(gate))
    _GATES[db] = gate
    return gate


def _close(gate: Gate) -> None:
    _GATES.pop(gate.db, None)
    gate.hashing.close()
    gate.beside.sync_engine.dispose()


def install(app: FastAPI, gate: Gate) -> None:
    """Put the gate where the dependencies of this room look for it."""
    app.state.gate = gate


def gate_of(session: AsyncSession) -> Gate:
    """The gate of the database this session speaks to."""
    gate = _GATES.get(database_of(session))
    if gate is None:
        raise RuntimeError("auth.gate.open_gate was not called for this database.")
    return gate


async def the_gate(request: Request) -> Gate:
    """Dependency: the gate of this process."""
    gate: Gate = request.app.state.gate
    return gate
