"""The data folder of `tidegate up`: what lies where, the ports and secrets it remembers, the settings of its children."""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from tidegate.roles import DUTIES
from tidegate.sandbox.process import StartFailed, free_port, port_is_free, write_whole

_VENUES = ("venue_binance", "venue_coinbase", "venue_kraken")
_PORTS = ("postgres", "bitcoin", "evm", "bitcoin_gate", "evm_gate", "control", "mail", *_VENUES)
# A Unix socket's path may have 107 bytes.
_SOCKET_PATH = 100


class Home:
    """One data folder, held by one supervisor at a time."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.url = f"http://localhost:{port}"
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, str] = {}
        self.signer_socket = self.folder / "signer.sock"
        self._lock: int | None = None

    def take(self) -> None:
        """Make the folder, lock it, remember ports and secrets. StartFailed when another supervisor lives in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Others may pass through to their own part (PostgreSQL runs as another user), but list nothing.
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self._lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StartFailed(f"{self.folder} is in use by another `tidegate up`.") from None
        # A reader of ready.json must never find the one of the run before.
        self.ready_file.unlink(missing_ok=True)
        self.migrated_file.unlink(missing_ok=True)
        if not _both_free(self.port):
            self.release()
            raise StartFailed(f"Port {self.port} is taken. Choose another one with --port.")
        self.ports = self._remembered_ports()
        self.secrets = self._remembered_secrets()
        self.logs.mkdir(exist_ok=True, mode=0o700)

    def release(self) -> None:
        """Let another supervisor have the folder."""
        if self.signer_socket.parent != self.folder:
            shutil.rmtree(self.signer_socket.parent, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _remembered_ports(self) -> dict[str, int]:
        note = self.folder / "ports.json"
        known = json.loads(note.read_text()) if note.is_file() else {}
        chosen: dict[str, int] = {}
        for name in _PORTS:
            port = known.get(name, 0)
            while port == 0 or port in chosen.values() or not port_is_free(port):
                port = free_port()
            chosen[name] = port
        write_whole(note, json.dumps(chosen, indent=1) + "\n")
        return chosen

    def _remembered_secrets(self) -> dict[str, str]:
        note = self.folder / "secrets.json"
        known: dict[str, str] = json.loads(note.read_text()) if note.is_file() else {}
        logins = [f"database_{duty}" for duty in DUTIES]
        for name in ("venue_key", "venue_secret", "guest_key", "guest_secret", "control", "signer_passphrase", *logins):
            known.setdefault(name, secrets.token_hex(24))
        known.setdefault("database_prefix", secrets.token_hex(3))
        # Made anew at every start: /tmp does not outlive the machine, and the data folder may have moved.
        socket = self.folder / "signer.sock"
        if len(os.fsencode(socket)) > _SOCKET_PATH:
            socket = Path(tempfile.mkdtemp(prefix="tidegate-")) / "signer.sock"
        self.signer_socket = socket
        write_whole(note, json.dumps(known, indent=1) + "\n")
        write_whole(self.signer_passphrase_file, known["signer_passphrase"] + "\n")
        return known

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def settings_file(self) -> Path:
        return self.folder / "tidegate.toml"

    @property
    def progress_file(self) -> Path:
        return self.folder / "progress.json"

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready.json"

    @property
    def migrated_file(self) -> Path:
        """There once the tables are: the api waits for it with its imports done."""
        return self.folder / "migrated"

    @property
    def demo_file(self) -> Path:
        return self.folder / "demo.json"

    @property
    def deny_list_file(self) -> Path:
        return self.folder / "deny-list.txt"

    @property
    def signer_passphrase_file(self) -> Path:
        return self.folder / "signer-passphrase"

    @property
    def signer_public_file(self) -> Path:
        return self.folder / "signer-public.json"

    @property
    def control_url(self) -> str:
        """The supervisor's door. Its path is the secret that lets a caller in."""
        return f"http://127.0.0.1:{self.ports['control']}/{self.secrets['control']}"


def _both_free(port: int) -> bool:
    """Free on 127.0.0.1; what listens on ::1 only would still answer for `localhost` in some browsers."""
    return port_is_free(port) and port_is_free(port, "::1")
