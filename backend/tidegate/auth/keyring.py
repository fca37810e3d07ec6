"""The 32 bytes of the token key file, and everything derived from them. No key leaves this module but by its use."""

import hashlib
import hmac
import os
import secrets
import uuid
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidegate.auth.rules import Purpose
from tidegate.config import Settings

KEY_BYTES = 32
_NONCE_BYTES = 12


class Keyring:
    """Separate keys for separate purposes, by HKDF from one file."""

    def __init__(self, root: bytes) -> None:
        if len(root) != KEY_BYTES:
            raise SystemExit(f"The token key file must hold exactly {KEY_BYTES} random bytes.")
        self.access_token = _derive(root, b"access token")
        self.access_token_id = hashlib.sha256(self.access_token).hexdigest()[:16]
        self._seed = AESGCM(_derive(root, b"second factor seed"))
        self._webhook = AESGCM(_derive(root, b"webhook secret"))
        self._refresh = _derive(root, b"refresh successor")
        self._device = _derive(root, b"device cookie")
        self._links = {purpose: _derive(root, f"link {purpose}".encode()) for purpose in Purpose}
        self._recovery = _derive(root, b"recovery code")

    def seal_seed(self, user_id: uuid.UUID, seed: str) -> bytes:
        """A TOTP seed for storing, bound to its user: a row copied to another account does not open."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._seed.encrypt(nonce, seed.encode(), user_id.bytes)

    def open_seed(self, user_id: uuid.UUID, sealed: bytes) -> str:
        """The seed of a stored row. Fails loudly when the key file is not the one that sealed it."""
        try:
            return self._seed.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], user_id.bytes).decode()
        except InvalidTag:
            raise RuntimeError("A second-factor seed does not open: the token key file was replaced.") from None

    def seal_webhook(self, endpoint_id: uuid.UUID, secret: bytes) -> bytes:
        """A webhook's secret for storing, bound to its endpoint."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._webhook.encrypt(nonce, secret, endpoint_id.bytes)

    def open_webhook(self, endpoint_id: uuid.UUID, sealed: bytes) -> bytes:
        """The secret of a stored endpoint. Fails loudly when the key file is not the one that sealed it."""
        try:
            return self._webhook.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], endpoint_id.bytes)
        except InvalidTag:
            raise RuntimeError("A webhook's secret does not open: the token key file was replaced.") from None

    def refresh_successor(self, token: str) -> str:
        """The refresh token that follows `token`: derived, so that a lost answer can be repeated from nothing stored."""
        return "tgr_" + hmac.new(self._refresh, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def link_tag(self, purpose: Purpose, body: bytes) -> bytes:
        """What makes a link of this purpose ours; of no use for any other."""
        return hmac.new(self._links[purpose], body, hashlib.sha256).digest()

    def recovery_digest(self, user_id: uuid.UUID, bare: str) -> bytes:
        return hmac.new(self._recovery, user_id.bytes + bare.encode(), hashlib.sha256).digest()

    def device_mark(self, user_id: uuid.UUID) -> str:
        """A cookie value that says: this user has signed in from this browser before."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{self._device_tag(user_id, nonce)}"

    def known_device(self, user_id: uuid.UUID, mark: str | None) -> str | None:
        """The device's own name when the mark is ours and this user's, else None."""
        if mark is None or not mark.isascii() or len(mark) > 200:
            return None
        nonce, _, tag = mark.partition(".")
        return nonce if hmac.compare_digest(tag, self._device_tag(user_id, nonce)) else None

    def _device_tag(self, user_id: uuid.UUID, nonce: str) -> str:
        return hmac.new(self._device, user_id.bytes + nonce.encode(), hashlib.sha256).hexdigest()


def _derive(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"tidegate/1 " + purpose).derive(root)


def load_keyring(settings: Settings) -> Keyring:
    """The keyring of this installation. In the sandbox a missing file is made; in production it ends the start."""
    path = settings.auth.token_key_file
    if path is None:
        if not settings.sandboxed:
            raise SystemExit("Set [auth] token_key_file: a file with 32 random bytes.")
        path = settings.sandbox.directory / "token.key"
    if not path.exists():
        if not settings.sandboxed:
            raise SystemExit(f"The token key file {path} is not there.")
        _make(path)
    return Keyring(path.read_bytes())


def _make(path: Path) -> None:
    """Write the file whole and only once, whichever process comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its file counts
    finally:
        draft.unlink()
