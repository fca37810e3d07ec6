"""The signer's folder: seed, passphrase and public file."""

import datetime
import getpass
import os
import sys
import time
from pathlib import Path

from tidegate.config import Settings
from tidegate.signer.desk import Vaults, open_vaults
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed, make_seed, replace, seal, sync_folder, unseal, write_new
from tidegate.signing.frames import canonical

SEED_FILE = "seed.sealed"
JOURNAL_FILE = "journal.jsonl"
HEAD_FILE = "journal.head"
FREEZE_FLAG = "frozen"
PUBLIC_VERSION = 1
SHORTEST_PASSPHRASE = 16


def now() -> str:
    """The time for the journal's lines, RFC 3339 UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
    sealed_under = passphrase(settings, new=True)
    open_journal(settings).close()
    seed = make_seed(int(time.time()))
    write_new(directory / SEED_FILE, seal(seed, sealed_under), 0o600)
    sync_folder(directory)
    publish(seed, open_vaults(seed, settings), settings)
    return True


def words(settings: Settings) -> str:
    """The seed's words for the operator's paper back-up. Refuses with WrongPassphrase."""
    return open_seed(settings).words()


def open_seed(settings: Settings) -> Seed:
    """The sealed seed, opened. Refuses with SystemExit or WrongPassphrase."""
    path = settings.signer.directory / SEED_FILE
    if not path.exists():
        raise SystemExit("The signer has no seed yet: run `tidegate signer init` once and write down its words.")
    return unseal(path.read_bytes(), passphrase(settings))


def open_journal(settings: Settings, *, adopt: bool = False) -> Journal:
    """The journal of this folder, for this process alone. Refuses with JournalBroken."""
    directory = settings.signer.directory
    return Journal(directory / JOURNAL_FILE, settings.signer.head_file or directory / HEAD_FILE, adopt=adopt)


def passphrase(settings: Settings, *, new: bool = False) -> bytes:
    """From the configured file; without one it is asked for on the terminal, twice when it is new."""
    return read_passphrase(settings.signer.passphrase_file, "Passphrase of the signer's seed: ", new=new)


def read_passphrase(path: Path | None, question: str, *, new: bool = False) -> bytes:
    """Refuses (SystemExit) a missing file, a short passphrase, and two that differ."""
    if path is not None:
        if not path.is_file():
            raise SystemExit(f"passphrase_file: there is no file {path}.")
        found = path.read_bytes().strip()
    elif sys.stdin.isatty():
        found = getpass.getpass(question).encode()
        if new and getpass.getpass("Once more: ").encode() != found:
            raise SystemExit("The two differ; nothing was changed.")
    else:
        raise SystemExit("The signer needs [signer] passphrase_file, or a terminal to ask for the passphrase.")
    if len(found) < SHORTEST_PASSPHRASE:
        raise SystemExit(f"The signer's passphrase must have at least {SHORTEST_PASSPHRASE} characters.")
    return found


def publish(seed: Seed, vaults: Vaults, settings: Settings) -> None:
    """Write the public file, whole or not at all."""
    settings.signer.public_file.parent.mkdir(parents=True, exist_ok=True)
    replace(settings.signer.public_file, canonical(public_document(seed, vaults, settings)) + b"\n", 0o644)


def public_document(seed: Seed, vaults: Vaults, settings: Settings) -> dict[str, object]:
    """Descriptors, extended keys and addresses: nothing that signs. `cold` and `venues` are where moves may go."""
    bitcoin = {}
    for name, vault in vaults.bitcoin.items():
        external, internal = vault.public_descriptors()
        bitcoin[name] = {"chain": settings.networks[name].chain, "external": external, "internal": internal}
    xpub = seed.evm_deposit_xpub()
    return {
        "version": PUBLIC_VERSION,
        "fingerprint": seed.fingerprint(),
        "born": seed.born,
        "bitcoin": bitcoin,
        "evm": {
            name: {"hot_address": vaults.evm.address, "deposit_xpub": xpub}
            for name, network in settings.networks.items()
            if network.family == "evm"
        },
        "cold": dict(settings.signer.cold_addresses),
        "venues": {name: dict(places) for name, places in settings.signer.venue_addresses.items()},
    }
