"""The signer's process: unlock the seed, replay the journal, answer on a Unix socket that only its owner may open."""

import asyncio
import datetime
import logging
import os
import signal
import time
from pathlib import Path

from tidegate.config import Settings
from tidegate.signer.desk import Desk, Vaults, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed, make_seed, replace, seal, unseal, write_new
from tidegate.signing.frames import BadFrame, canonical, framed, read_frame, socket_address
from tidegate.signing.messages import AskStatus, Denied, Failed, Malformed, Reply, Rule, request_of, wrap

log = logging.getLogger("tidegate.signer")

SEED_FILE = "seed.sealed"
JOURNAL_FILE = "journal.jsonl"
FREEZE_FLAG = "frozen"
PUBLIC_VERSION = 1
IDLE_SECONDS = 60.0


def init(settings: Settings) -> bool:
    """Make the seed, seal it and publish the public keys. False when there is a seed already: nothing is changed.

    In the sandbox a missing passphrase file is made too. Refuses with SystemExit.
    """
    directory = settings.signer.directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    if (directory / SEED_FILE).exists():
        return False
    if settings.sandboxed and settings.signer.passphrase_file and not settings.signer.passphrase_file.exists():
        settings.signer.passphrase_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(settings.signer.passphrase_file, os.urandom(32).hex().encode() + b"\n", 0o600)
    seed = make_seed(int(time.time()))
    write_new(directory / SEED_FILE, seal(seed, _passphrase(settings)), 0o600)
    _publish(seed, open_vaults(seed, settings), settings)
    return True


def run(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT. In the sandbox a missing seed is made first. Refuses with SystemExit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    directory = settings.signer.directory
    if settings.sandboxed:
        init(settings)
    if not (directory / SEED_FILE).exists():
        raise SystemExit("The signer has no seed yet: run `tidegate signer init` once and write down its words.")
    seed = unseal((directory / SEED_FILE).read_bytes(), _passphrase(settings))
    vaults = open_vaults(seed, settings)
    _publish(seed, vaults, settings)
    journal = Journal(directory / JOURNAL_FILE)
    desk = Desk(vaults, policies_of(settings), journal, directory / FREEZE_FLAG, _now)
    try:
        asyncio.run(_serve(desk, settings.signer.socket))
    finally:
        journal.close()


def words(settings: Settings) -> str:
    """The seed's words for the operator's paper back-up. Refuses with WrongPassphrase."""
    return unseal((settings.signer.directory / SEED_FILE).read_bytes(), _passphrase(settings)).words()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _passphrase(settings: Settings) -> bytes:
    path = settings.signer.passphrase_file
    if path is None or not path.is_file():
        raise SystemExit("The signer needs [signer] passphrase_file: a file with the passphrase of its seed.")
    passphrase = path.read_bytes().strip()
    if len(passphrase) < 16:
        raise SystemExit("The signer's passphrase must have at least 16 characters.")
    return passphrase


def _publish(seed: Seed, vaults: Vaults, settings: Settings) -> None:
    """Write the public file, whole or not at all: descriptors, extended keys and addresses, nothing that signs."""
    bitcoin = {}
    for name, vault in vaults.bitcoin.items():
        external, internal = vault.public_descriptors()
        bitcoin[name] = {"chain": settings.networks[name].chain, "external": external, "internal": internal}
    xpub = seed.evm_deposit_xpub()
    document = {
        "version": PUBLIC_VERSION,
        "fingerprint": seed.fingerprint(),
        "born": seed.born,
        "bitcoin": bitcoin,
        "evm": {
            name: {"hot_address": vaults.evm.address, "deposit_xpub": xpub}
            for name, network in settings.networks.items()
            if network.kind == "evm"
        },
    }
    settings.signer.public_file.parent.mkdir(parents=True, exist_ok=True)
    replace(settings.signer.public_file, canonical(document) + b"\n", 0o644)


async def _serve(desk: Desk, path: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server = _Server(desk, stop)
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
    # The journal's lock proves that no other signer of this seed lives, so a socket that lies here is a dead one's.
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
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
            request = request_of(document)
        except Malformed as error:
            return Denied(Rule.MALFORMED, str(error))
        if isinstance(request, AskStatus):
            return self._desk.status()
        async with self._turn:
            if self.broken:
                return Failed("the signer is ending itself")
            try:
                return await asyncio.to_thread(self._desk.sign, request)
            except OSError:
                # Nobody knows what of the last lines is on disk. End, and let the next start read the journal.
                log.exception("the journal could not be written")
                self.broken = True
                self._stop.set()
                return Failed("the signer could not write its journal")
            except Exception:
                log.exception("a request could not be decided")
                return Failed("the signer broke on this request")
