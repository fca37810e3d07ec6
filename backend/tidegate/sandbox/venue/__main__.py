"""`python -m tidegate.sandbox.venue --dialect D --port P --data DIR --config FILE --seed N`, on 127.0.0.1.

`--dialect`, `--port`, `--data` and `--config` may be given several times, as often as each other: one process then runs
that many venues, each with its own port, directory and accounts. Venues of one seed follow one market.

`--bank FILE` ties them to real nodes: withdrawals are paid there, and deposits are seen (`tidegate.sandbox.bank`).

Once it takes calls each has written `DIR/venue.json`: `{"url", "pid"}`. Port 0 takes a free one. SIGTERM ends them.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from starlette.applications import Starlette

from tidegate.sandbox.bank import Bank, Nodes
from tidegate.sandbox.process import write_whole
from tidegate.sandbox.venue.server import DIALECTS, Config, build
from tidegate.sandbox.venue.serving import Server, listening, server_of
from tidegate.sandbox.venue.world import World


def main() -> None:
    given = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    dialects = given.dialect or ["binance"]
    if not len(dialects) == len(given.port) == len(given.data) == len(given.config):
        sys.exit("--dialect, --port, --data and --config: as many of each")
    bank = Bank(Nodes.read(given.bank)) if given.bank else None
    venues = [
        _open(*one, seed=given.seed, interval=given.interval_ms / 1000, bank=bank)
        for one in zip(dialects, given.port, given.data, given.config, strict=True)
    ]
    worlds = [(dialect, app.state.world) for dialect, (app, _) in zip(dialects, venues, strict=True)]
    asyncio.run(_serve([(server_of(app), listener) for app, listener in venues], bank, worlds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tidegate.sandbox.venue", description=__doc__)
    parser.add_argument("--dialect", action="append", choices=sorted(DIALECTS), help="binance, unless told otherwise")
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--config", type=Path, action="append", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-ms", type=int, default=250, help="between two moves of the market; 0: none")
    parser.add_argument("--bank", type=Path, help="where the nodes are, as JSON")
    return parser.parse_args()


def _open(
    dialect: str, port: int, data: Path, config: Path, *, seed: int, interval: float, bank: Bank | None
) -> tuple[Starlette, socket.socket]:
    try:
        app = build(Config.read(config), data, dialect=dialect, seed=seed, interval=interval, payer=bank)
        listener = listening(port)
    except BlockingIOError:
        sys.exit(f"{data}: another venue runs on this directory")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"the sandbox venue cannot start: {error!r}")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    write_whole(data / "venue.json", json.dumps({"url": url, "pid": os.getpid()}))
    return app, listener


async def _serve(
    venues: list[tuple[Server, socket.socket]], bank: Bank | None, worlds: list[tuple[str, World]]
) -> None:
    def stop() -> None:
        for server, _ in venues:
            server.should_exit = True

    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop)
    watching = asyncio.create_task(bank.watch(worlds)) if bank is not None else None
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in venues))
    if bank is not None and watching is not None:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await bank.close()


if __name__ == "__main__":
    main()
