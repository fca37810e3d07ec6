"""The directory of an operator, read once and kept: nothing a browser asks for ever becomes a path."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.brand import stylesheet

MEDIA = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
STYLESHEET = "custom.css"
IMAGES, FACES, LOCALES = "images", "faces", "locales"
MOST_FILES, MOST_BYTES = 64, 512 * 1024
BEGIN = {".png": b"\x89PNG", ".webp": b"RIFF", ".woff2": b"wOF2", ".ico": b"\x00\x00\x01\x00"}
"""What files of a kind begin with: a page in an image's clothes is not served."""


class Unusable(ValueError):
    """Something in the directory that is not taken. The text is for a person."""


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    media: str
    etag: str


def read(folder: Path) -> Mapping[str, File]:
    """Every file that may be served, by its path below `/brand/`. Raises Unusable."""
    if not folder.is_dir():
        raise Unusable(f"[brand] directory {folder} is no directory")
    found: dict[str, File] = {}
    for path in sorted((*folder.glob("*"), *folder.glob(f"{IMAGES}/*"), *folder.glob(f"{FACES}/*"))):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name.startswith("."):
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Unusable(f"{name} leads out of the directory")
        found[name] = _file(path, name)
        if len(found) > MOST_FILES:
            raise Unusable(f"more than {MOST_FILES} files")
    return found


def _file(path: Path, name: str) -> File:
    body = path.read_bytes()
    if len(body) > MOST_BYTES:
        raise Unusable(f"{name} is larger than {MOST_BYTES} bytes")
    if name == STYLESHEET:
        try:
            return file_of(stylesheet.judged(body.decode("utf-8")).encode(), "text/css; charset=utf-8")
        except (stylesheet.Refused, UnicodeDecodeError) as error:
            raise Unusable(f"{name}: {error}") from None
    media = MEDIA.get(path.suffix)
    if media is None:
        raise Unusable(f"{name}: only {', '.join(MEDIA)} and {STYLESHEET} are served")
    if not body.startswith(BEGIN.get(path.suffix, b"")):
        raise Unusable(f"{name} is not what its name says")
    return file_of(body, media)


def file_of(body: bytes, media: str) -> File:
    return File(body, media, f'"{hashlib.sha256(body).hexdigest()[:24]}"')
