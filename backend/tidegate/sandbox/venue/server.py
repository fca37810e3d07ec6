"""The venue as a web application: the paths of one dialect, and a control door for who breaks things on purpose."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from tidegate.sandbox.venue.answer import route
from tidegate.sandbox.venue.binance.paths import Binance
from tidegate.sandbox.venue.coinbase.paths import Coinbase
from tidegate.sandbox.venue.control import control_routes
from tidegate.sandbox.venue.dialect import Dialect
from tidegate.sandbox.venue.funding import Payer
from tidegate.sandbox.venue.kraken.paths import Kraken
from tidegate.sandbox.venue.world import Config, World

DIALECTS: dict[str, Callable[[World], Dialect]] = {"binance": Binance, "coinbase": Coinbase, "kraken": Kraken}
_STYLES = {"binance": Binance.style, "coinbase": Coinbase.style, "kraken": Kraken.style}

__all__ = ["DIALECTS", "Config", "build"]


def build(
    config: Config,
    directory: Path,
    *,
    dialect: str = "binance",
    seed: int = 1,
    interval: float = 0.25,
    payer: Payer | None = None,
    durable: bool = True,
) -> Starlette:
    """The application. It takes the directory for itself until its lifespan ends; `interval` 0: nothing moves alone.

    `durable` false: what it remembers need not outlive the machine. `payer` puts withdrawals on their chains; with none they stay pending until the control door completes them.
    """
    world = World(config, directory, seed, interval, style=_STYLES[dialect], payer=payer, durable=durable)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(world.keep_moving())] if interval > 0 else []
        if payer is not None:
            tasks.append(asyncio.create_task(world.keep_paying()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            world.journal.close()

    app = Starlette(routes=routes(world, DIALECTS[dialect](world)), lifespan=lifespan)
    app.state.world = world
    return app


def routes(world: World, dialect: Dialect) -> list[BaseRoute]:
    """Everything a venue answers to, in one place."""
    return [
        *(route(world, dialect, path) for path in dialect.paths()),
        *control_routes(world),
    ]
