"""The deny list of this process: a local file, read again when it changes."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from tidegate.compliance.rules import DenyList, MalformedList, read_list
from tidegate.config import Settings

log = structlog.get_logger(__name__)

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int, int]
    deny: DenyList | None


_last: dict[Path, _Read] = {}


def current(settings: Settings) -> DenyList | None:
    """The list as it stands on disk now; None when it is missing or cannot be read (then everything is held).

    A sandbox that names no file has an empty list; production that names none has no list.
    """
    path = settings.compliance.deny_list_file
    if path is None:
        return DenyList(version="none") if settings.sandboxed else None
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = _last.get(path)
        if known is not None and known.stamp == stamp:
            return known.deny
        found = _Read(stamp, _read(path, stat.st_size))
    except OSError as error:
        log.error("deny_list_unreadable", path=str(path), error=type(error).__name__)
        return None
    _last[path] = found
    return found.deny


def _read(path: Path, size: int) -> DenyList | None:
    if size > MAX_BYTES:
        log.error("deny_list_too_large", path=str(path), bytes=size)
        return None
    try:
        found = read_list(path.read_bytes())
    except MalformedList as error:
        log.error("deny_list_malformed", path=str(path), error=str(error))
        return None
    log.info("deny_list_read", path=str(path), entries=len(found.entries), version=found.version)
    return found
