"""What the mail catcher caught, for the page: the newest mails to one address. Nothing here leaves the machine."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

MOST = 20
_LOOKED_AT = 400
"""The newest so many files: a sandbox under load has thousands."""


@dataclass(frozen=True, slots=True)
class Caught:
    id: str
    at: datetime
    sender: str
    to: str
    subject: str
    text: str
    links: list[str]
    """Pages of ours that it points to, in order."""


def mails(folder: Path, *, to: str, base: str) -> list[Caught]:
    """Newest first. Links of other origins than `base` are left where they are: in the text."""
    found = []
    for path in _newest(folder):
        caught = _read(path, base)
        if caught is not None and caught.to.casefold() == to.casefold():
            found.append(caught)
            if len(found) == MOST:
                break
    return found


def _newest(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.eml"), reverse=True)[:_LOOKED_AT])


def _read(path: Path, base: str) -> Caught | None:
    """None for what is no mail with a text: anybody on this machine may send the catcher something."""
    try:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        part = message.get_body(("plain",))
        text = str(part.get_content()) if part is not None else ""
        at = datetime.fromisoformat(str(message["Date"].datetime.isoformat()))
        to = message["To"].addresses[0].addr_spec
    except (OSError, ValueError, LookupError, AttributeError, AssertionError):
        return None
    links = [one for one in re.findall(r"https?://[^\s<>\"]+", text) if one.startswith(base.rstrip("/") + "/")]
    return Caught(path.stem, at, str(message["From"]), to, str(message["Subject"]), text.replace("\r\n", "\n"), links)
