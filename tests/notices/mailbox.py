"""A mail server of our own on loopback: the sandbox's catcher, and one that says what a test wants."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import text

from tidegate.auth.keyring import load_keyring
from tidegate.config import MailSettings, Settings
from tidegate.database import Database
from tidegate.notices.post import Post, send
from tidegate.sandbox.mail import MailCatcher
from tidegate.sandbox.process import free_port

SENDER = "Tidegate <harbour@demo.example>"


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def link(message: EmailMessage, purpose: str) -> str:
    """The part behind the `#` of the one link for it."""
    (found,) = re.findall(rf"http://\S+/{purpose}#(\S+)", body(message))
    return str(found)


@dataclass
class Mailbox:
    """A post office for a database, and what it carried."""

    post: Post
    catcher: MailCatcher

    def raw(self) -> list[bytes]:
        """In the order they came."""
        return [path.read_bytes() for path in sorted(self.catcher.folder.glob("*.eml"))]

    def mails(self) -> list[EmailMessage]:
        return [parsed(one) for one in self.raw()]

    async def carried(self) -> list[EmailMessage]:
        """Everything that is due is sent; all that came until now."""
        while await send(self.post):
            pass
        return self.mails()

    async def states(self) -> list[tuple[str, int, str | None]]:
        async with self.post.db.reading() as session:
            rows = await session.execute(text("SELECT state, tries, reason FROM mails ORDER BY created_at, id"))
            return [(row.state, row.tries, row.reason) for row in rows]

    async def later(self) -> None:
        """Every wait and every lease is over."""
        async with self.post.db.transaction() as session:
            await session.execute(text("UPDATE mails SET due_at = now(), lease_until = NULL"))


def with_mail(settings: Settings, port: int) -> Settings:
    mail = MailSettings(host="127.0.0.1", port=port, tls="none", sender=SENDER, timeout_seconds=2)
    return settings.model_copy(update={"mail": mail})


@asynccontextmanager
async def mailbox(db: Database, settings: Settings, folder: Path) -> AsyncIterator[Mailbox]:
    catcher = MailCatcher(free_port(), folder / "mail")
    await catcher.open()
    told = with_mail(settings, catcher.port)
    try:
        yield Mailbox(Post(db, told, load_keyring(told)), catcher)
    finally:
        await catcher.close()


@dataclass
class Script:
    """A mail server that answers as it is told, by verb; `None` as an answer: it hangs up without one."""

    port: int = 0
    answers: dict[str, str | None] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usual = {
            "EHLO": "250 here",
            "MAIL": "250 OK",
            "RCPT": "250 OK",
            "DATA": "354 go",
            ".": "250 kept",
            "QUIT": "221 bye",
        }
        try:
            writer.write(b"220 here\r\n")
            while line := (await reader.readline()).decode().strip():
                verb = line.partition(" ")[0].upper()
                answer = (usual | self.answers).get(verb, "250 OK")
                if answer is None:
                    break
                writer.write(f"{answer}\r\n".encode())
                await writer.drain()
                if verb != "DATA" or not answer.startswith("354"):
                    continue
                self.taken.append(await reader.readuntil(b"\r\n.\r\n"))
                last = (usual | self.answers)["."]
                if last is None:
                    break
                writer.write(f"{last}\r\n".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted() -> AsyncIterator[Script]:
    found = Script()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
