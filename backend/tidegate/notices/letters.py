"""What each mail says: where the money is, what happens next, and what the reader can do about it. Pure.

A letter is a subject and blocks; how they are set as text and as HTML is `envelope`'s. Words of users (labels, browsers)
are set on one line and never longer than a line, so that they cannot pretend to be ours.
"""

import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidegate.outbox.mails import MailKind

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Say:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Names and values, one a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """An address, whole, in groups of four."""

    address: str


@dataclass(frozen=True, slots=True)
class Act:
    """A link, and what it does."""

    words: str
    url: str


Block = Say | Lines | Whole | Act


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a letter is written with besides its facts."""

    brand: str
    kind: MailKind
    object_id: uuid.UUID
    at: datetime
    networks: Mapping[str, str]
    """Their names, by code."""
    page: Callable[[str], str]
    """The address of a page of ours."""
    freeze: str
    cancel: str
    confirm: str
    """Links that prove themselves."""


def write(facts: Mapping[str, Any], context: Context) -> Letter:
    """The letter of this kind; the same for the same."""
    return _LETTERS[context.kind](facts, context)


def one_line(text: str) -> str:
    """Somebody's words on one line: no breaks, no controls, no marks that turn the direction of what follows."""
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def groups(address: str) -> tuple[str, ...]:
    """In fours, whole; `0x` apart."""
    head = ("0x",) if address.startswith("0x") else ()
    rest = address.removeprefix("0x")
    return (*head, *(rest[at : at + 4] for at in range(0, len(rest), 4)))


def moment(at: datetime) -> str:
    """With its zone; servers and readers live in different ones."""
    return f"{at.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC"


def _amount(found: Mapping[str, str]) -> str:
    return f"{found['amount']} {found['asset']}"


def _perhaps(text: str | None) -> tuple[Say, ...]:
    return (Say(text),) if text else ()


_FEES = {"network": "Network fee", "service": "Service fee", "spread": "Spread"}
_NOT_YOU = "If this was not you, stop everything that would leave your account:"


def _costs(facts: Mapping[str, Any]) -> Lines:
    rows = [("They get", _amount(facts["deliver"]))]
    rows += [(_FEES[fee["kind"]], _amount(fee)) for fee in facts["fees"]]
    if facts["debit"]["asset"] != facts["deliver"]["asset"]:
        rows.append(("Price", f"1 {facts['debit']['asset']} = {facts['rate']} {facts['deliver']['asset']}"))
    rows.append(("You pay", _amount(facts["debit"])))
    if facts["reference"]:
        rows.append(("Your reference", one_line(facts["reference"])))
    return Lines(tuple(rows))


def _to(facts: Mapping[str, Any], context: Context) -> str:
    name = f" ({one_line(facts['label'])})" if facts["label"] else ""
    return f"On {context.networks.get(facts['network'], facts['network'])}, to this address{name}:"


def _requested(facts: Mapping[str, Any], context: Context) -> Letter:
    return Letter(
        f"{_amount(facts['deliver'])} are to leave your account",
        (
            Say(f"A payment of {_amount(facts['deliver'])} was asked for on {moment(context.at)}."),
            Say(_to(facts, context)),
            Whole(facts["address"]),
            _costs(facts),
            Say("Compare the whole address with the one you were given. Once it is sent, nobody can call it back."),
            Say("Not what you wanted? Until it is signed you can cancel it, without signing in:"),
            Act("Look at it and cancel", context.cancel),
            Say(_NOT_YOU),
            Act("Freeze my account", context.freeze),
            Act("Where the money is", context.page(f"withdrawals/{context.object_id}")),
        ),
    )


def _completed(facts: Mapping[str, Any], context: Context) -> Letter:
    return Letter(
        f"{_amount(facts['deliver'])} have arrived",
        (
            Say(f"Your {_amount(facts['deliver'])} arrived. It is final."),
            Say(_to(facts, context)),
            Whole(facts["address"]),
            Lines((*_costs(facts).rows, ("Transaction", facts["txid"]))),
            Act("The whole story, and a receipt", context.page(f"withdrawals/{context.object_id}")),
        ),
    )


def _returned(facts: Mapping[str, Any], context: Context) -> Letter:
    back = " and ".join(_amount(one) for one in facts["back"])
    return Letter(
        f"Not sent: {back} are back in your balance",
        (
            Say(f"Not sent. {back} are back in your balance."),
            Say(_ENDS[facts["state"]]),
            *_perhaps(facts["detail"] and one_line(facts["detail"])),
            Say(f"It was to be {_amount(facts['deliver'])}. {_to(facts, context)}"),
            Whole(facts["address"]),
            Act("The whole story", context.page(f"withdrawals/{context.object_id}")),
        ),
    )


_ENDS = {
    "cancelled": "It was cancelled.",
    "expired": "It was not confirmed in time.",
    "rejected": "We may not send it, or a person decided against it.",
    "failed": "The network took it and did not make it; the network fee is gone, nothing else.",
}


def _beneficiary(facts: Mapping[str, Any], context: Context) -> Letter:
    network = context.networks.get(facts["network"], facts["network"])
    waits = facts["available_after"]
    return Letter(
        f"A new saved address: {one_line(facts['label'])}",
        (
            Say(f"“{one_line(facts['label'])}” was saved on {moment(context.at)}, for {facts['asset']} on {network}:"),
            Whole(facts["address"]),
            Say("Compare the whole address. It counts once it is confirmed with your authenticator."),
            *_perhaps(waits and f"Then it waits for {waits} before it can be paid."),
            Say(_NOT_YOU),
            Act("Freeze my account", context.freeze),
            Act("Your saved addresses", context.page("addresses")),
        ),
    )


def _security(subject: str, *sentences: str, freeze: bool = True) -> Callable[[Mapping[str, Any], Context], Letter]:
    """A letter about the account itself. `{browser}` and the like are facts."""

    def letter(facts: Mapping[str, Any], context: Context) -> Letter:
        known = {name: one_line(str(value)) for name, value in facts.items()}
        said = [Say(sentence.format(**known, at=moment(context.at))) for sentence in sentences]
        way = (Say(_NOT_YOU), Act("Freeze my account", context.freeze)) if freeze else ()
        return Letter(subject, (*said, *way, Act("Your security page", context.page("security"))))

    return letter


def _confirm(facts: Mapping[str, Any], context: Context) -> Letter:
    """Goes to an address that nobody has proved yet: it tells nothing of the account and stops nothing in it."""
    return Letter(
        f"Confirm this address for {context.brand}",
        (
            Say(f"On {moment(context.at)} somebody asked for this to be the e-mail address of their account."),
            Say("If that was you, confirm it. The link works once, and for one day:"),
            Act("Confirm this address", context.confirm),
            Say("If it was not you, do nothing. Nothing happens without the link."),
        ),
    )


def _taken(facts: Mapping[str, Any], context: Context) -> Letter:
    return Letter(
        "Somebody asked for your e-mail address",
        (
            Say(f"On {moment(context.at)} somebody asked for this to be the e-mail address of another account."),
            Say("It is yours already, so nothing was done, and they were not told that you have an account here."),
            Say("If that was you: close this account first, or choose another address for the other one."),
            Act("Your settings", context.page("settings")),
        ),
    )


def _closed(facts: Mapping[str, Any], context: Context) -> Letter:
    return Letter(
        "Your account is closed",
        (
            Say(f"Your account was closed on {moment(context.at)}, with its password, and every session has ended."),
            Say("Nothing was left in it. Do not send anything to its addresses any more."),
            Say("If this was not you, write to us at once."),
        ),
    )


def _webhook(facts: Mapping[str, Any], context: Context) -> Letter:
    why = {
        "gone": "It answered that it is gone (410).",
        "failing": "It took nothing for three days.",
    }
    return Letter(
        "A webhook was switched off",
        (
            Say(f"Nothing more is sent to {one_line(facts['host'])}. {why[facts['disabled']]}"),
            Say("What happens meanwhile is kept for seven days: switched on again, it goes on where it stopped."),
            Act("Your webhooks", context.page("webhooks")),
        ),
    )


_LETTERS: dict[MailKind, Callable[[Mapping[str, Any], Context], Letter]] = {
    MailKind.WITHDRAWAL_REQUESTED: _requested,
    MailKind.WITHDRAWAL_COMPLETED: _completed,
    MailKind.WITHDRAWAL_RETURNED: _returned,
    MailKind.BENEFICIARY_ADDED: _beneficiary,
    MailKind.PASSWORD_CHANGED: _security(
        "Your password was changed",
        "Your password was changed on {at}.",
        "Every other session has ended.",
    ),
    MailKind.AUTHENTICATOR_ADDED: _security(
        "An authenticator was set up",
        "An authenticator was set up on {at}. From now on payments need its codes, and so does signing in.",
    ),
    MailKind.RECOVERY_CODE_USED: _security(
        "A recovery code was used",
        "Somebody signed in with one of your recovery codes on {at}.",
    ),
    MailKind.NEW_BROWSER: _security(
        "A new browser signed in",
        "Your account was signed in to on {at} from a browser that we have not seen before.",
        "It calls itself {browser}. Its network: {network}",
    ),
    MailKind.ACCOUNT_FROZEN: _security(
        "Your account is frozen",
        "Nothing leaves your account since {at}: the link in one of our mails was used.",
        "What was not signed by then waits. What comes in is credited as always.",
        "To let go, sign in, and lift it on your security page with a code of your authenticator. "
        "If somebody else was in, change your password first.",
        freeze=False,
    ),
    MailKind.ACCOUNT_UNFROZEN: _security(
        "Your account is not frozen any more",
        "The freeze was lifted on {at}, with a code of your authenticator.",
    ),
    MailKind.EMAIL_CONFIRM: _confirm,
    MailKind.EMAIL_TAKEN: _taken,
    MailKind.EMAIL_ASKED: _security(
        "Another e-mail address was asked for",
        "On {at} another e-mail address was asked for, with the password of your account.",
        "Until the link that was sent there is opened, nothing changes. You can take it back in your settings.",
    ),
    MailKind.EMAIL_CHANGED: _security(
        "Your e-mail address was changed",
        "Since {at} your account has another e-mail address: {email}",
        "For 72 hours nothing new leaves it. Mails go to the new address from now on; the link below works all the same.",
    ),
    MailKind.EMAIL_CONFIRMED: _security(
        "This is your account's address now",
        "Since {at} this is the e-mail address of your account.",
        "For 72 hours nothing new leaves it.",
    ),
    MailKind.ACCOUNT_CLOSED: _closed,
    MailKind.WEBHOOK_DISABLED: _webhook,
}
