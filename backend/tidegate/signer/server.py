"""The signer's process: unlock the seed, replay the journal, answer on a Unix socket that few may open."""

import asyncio
import logging
import os
import signal
from pathlib import Path

from tidegate import failpoints
from tidegate.config import Settings
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.home import FREEZE_FLAG, HEAD_FILE, JOURNAL_FILE, init, now, open_journal, open_seed, publish
from tidegate.signing.frames import BadFrame, framed, read_frame, socket_address
from tidegate.signing.messages import (
    AskBytes,
    AskSigned,
    AskStatus,
    Denied,
    Failed,
    Malformed,
    Reply,
    Rule,
    fence_of,
    request_of,
    wrap,
)

log = logging.getLogger("tidegate.signer")

IDLE_SECONDS = 60.0


def run(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT. In the sandbox a missing seed is made first. Refuses with SystemExit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    directory, head = settings.signer.directory, settings.signer.head_file
    if settings.sandboxed:
        failpoints.arm_by(settings.sandbox.directory / "failpoint")
        init(settings)
    elif missing := _without_totals(settings):
        raise SystemExit(
            f"[signer] max_hourly and max_daily must name every asset of max_payout: {missing} is missing."
        )
    seed = open_seed(settings)
    if not settings.sandboxed and not (directory / JOURNAL_FILE).exists():
        raise SystemExit("There is a seed and no journal: the signer has forgotten what it signed. See the guide.")
    # A sandbox of an earlier version has no head yet; elsewhere a person decides.
    old = settings.sandboxed and not (head or directory / HEAD_FILE).exists()
    journal = open_journal(settings, adopt=old)
    vaults = open_vaults(seed, settings)
    publish(seed, vaults, settings)
    desk = Desk(vaults, policies_of(settings), journal, directory / FREEZE_FLAG, now)
    try:
        asyncio.run(_serve(desk, settings.signer.socket, int(settings.signer.socket_mode, 8)))
    finally:
        journal.close()


def _without_totals(settings: Settings) -> str:
    signer = settings.signer
    return ", ".join(sorted(set(signer.max_payout) - (set(signer.max_hourly) & set(signer.max_daily))))


async def _serve(desk: Desk, path: Path, mode: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server = _Server(desk, stop)
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
    # The journal's lock proves that no other signer of this seed lives, so a socket that lies here is a dead one's.
    path.unlink(missing_ok=True)
    before = os.umask(0o777 & ~mode)
    try:
        with socket_address(path) as address:
            listening = await asyncio.start_unix_server(server.talk, address)
    finally:
        os.umask(before)
    log.info("ready; journal has %d lines, head %s", desk.status().journal_lines, desk.status().journal_head[:16])
    async with listening:
        await stop.wait()
    path.unlink(missing_ok=True)
    if server.broken:
        raise SystemExit(1)


class _Server:
    """Conversations over the socket: any number of connections, one request decided at a time."""

    def __init__(self, desk: Desk, stop: asyncio.Event) -> None:
        self._desk = desk
        self._stop = stop
        self._turn = asyncio.Lock()
        self.broken = False

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not self._stop.is_set():
                async with asyncio.timeout(IDLE_SECONDS):
                    document = await read_frame(reader)
                if document is None:
                    break
                writer.write(framed(wrap(await self._answer(document))))
                await writer.drain()
        except BadFrame as error:
            log.warning("a bad frame: %s", error)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, document: object) -> Reply:
        try:
            request, under = request_of(document), fence_of(document)
        except Malformed as error:
            return Denied(Rule.UNREADABLE, str(error))
        if isinstance(request, AskStatus):
            return self._desk.status()
        if isinstance(request, AskSigned):
            return self._desk.signed_lately()
        if isinstance(request, AskBytes):
            return self._desk.signed_bytes(request.txid)
        async with self._turn:
            if self.broken:
                return Failed("the signer is ending itself")
            try:
                return await asyncio.to_thread(self._desk.sign, request, under)
            except OSError:
                # Nobody knows what of the last lines is on disk. End, and let the next start read the journal.
                log.exception("the journal could not be written")
                self.broken = True
                self._stop.set()
                return Failed("the signer could not write its journal")
            except Exception:
                log.exception("a request could not be decided")
                return Failed("the signer broke on this request")
