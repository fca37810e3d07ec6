"""A letter as a mail: text, and the same as plain HTML. Pure; the same for the same, byte for byte, so that whoever gets
it twice sees that it is one."""

import html
import uuid
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from tidegate.notices.letters import Act, Block, Letter, Lines, Say, Whole, groups, one_line

_POLICY = SMTP.clone(max_line_length=998)
_PER_LINE = 5


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom, which one, and when it was written."""

    sender: str
    to: str
    id: uuid.UUID
    at: datetime
    brand: str

    @property
    def message_id(self) -> str:
        """The same at every try."""
        return f"<{self.id}@{sender_address(self.sender).rpartition('@')[2]}>"


def sender_address(sender: str) -> str:
    return parseaddr(sender)[1]


def sealed(letter: Letter, envelope: Envelope) -> bytes:
    """The mail as it goes to the server. Raises ValueError for a recipient that is no address."""
    message = EmailMessage(policy=_POLICY)
    name, address = parseaddr(envelope.sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = _address(envelope.to)
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(as_text(letter, envelope.brand), cte="quoted-printable")
    message.add_alternative(as_html(letter, envelope.brand), subtype="html", cte="quoted-printable")
    # Its own would be another one each time.
    message.set_boundary(f"tide-{envelope.id.hex}")
    return message.as_bytes()


def mailable(address: str) -> str:
    """The address in ASCII, as every server takes it. Raises ValueError for one that has no such form."""
    local, _, domain = address.rpartition("@")
    found = f"{local}@{domain.encode('idna').decode()}"
    if not found.isascii() or not found.isprintable():
        raise ValueError("only ASCII before the @")
    return found


def _address(given: str) -> Address:
    try:
        return Address(addr_spec=mailable(given))
    except (ValueError, IndexError, HeaderParseError) as error:  # the library's parser, of what is no address
        raise ValueError("no address") from error


def _foot(brand: str) -> str:
    return f"{brand} never asks for your password or a code by mail."


def as_text(letter: Letter, brand: str) -> str:
    return "\n\n".join([*(_text(block) for block in letter.blocks), "-- \n" + _foot(brand)]) + "\n"


def _text(block: Block) -> str:
    match block:
        case Say(text):
            return text
        case Lines(rows):
            width = max(len(name) for name, _ in rows)
            return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
        case Whole(address):
            return "\n".join("  " + " ".join(some) for some in _address_lines(address))
        case Act(words, url):
            return f"{words}:\n{url}"


def _address_lines(address: str) -> list[tuple[str, ...]]:
    parts = groups(address)
    return [parts[at : at + _PER_LINE] for at in range(0, len(parts), _PER_LINE)]


_INK, _INK2, _LINE, _DEEP = "#0C262F", "#38525C", "#C8D6D9", "#0E5362"


def as_html(letter: Letter, brand: str) -> str:
    """No images, no scripts, nothing from anywhere else."""
    body = "\n".join(_html(block) for block in letter.blocks)
    e = html.escape
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{e(letter.subject)}</title></head>\n'
        f'<body style="margin:0;padding:24px;background:#EFF4F4;color:{_INK};font:15px/22px sans-serif">\n'
        f'<div style="max-width:560px;margin:0 auto;padding:24px;background:#FFFFFF;border:1px solid {_LINE}">\n'
        f'<h1 style="margin:0 0 16px;font:400 22px/30px Georgia,serif">{e(letter.subject)}</h1>\n{body}\n'
        f'<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid {_LINE};color:{_INK2};font-size:13px">'
        f"{e(_foot(brand))}</p>\n</div></body></html>\n"
    )


def _html(block: Block) -> str:
    e = html.escape
    match block:
        case Say(text):
            return f'<p style="margin:0 0 12px">{e(text)}</p>'
        case Lines(rows):
            lines = "".join(
                f'<tr><th scope="row" style="padding:4px 16px 4px 0;text-align:left;font-weight:400;color:{_INK2}">{e(name)}'
                f'</th><td style="padding:4px 0;text-align:right;overflow-wrap:anywhere">{e(value)}</td></tr>'
                for name, value in rows
            )
            return f'<table style="width:100%;border-collapse:collapse;margin:0 0 16px">{lines}</table>'
        case Whole(address):
            lines = "<br>".join(e(" ".join(some)) for some in _address_lines(address))
            return f'<p style="margin:0 0 16px;font:600 16px/26px monospace">{lines}</p>'
        case Act(words, url):
            return f'<p style="margin:0 0 16px"><a href="{e(url)}" style="color:{_DEEP}">{e(words)}</a></p>'
