"""The demo people: who they are, and what their authenticators show. `demo.json` is written by the seed."""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyotp

from tidegate.sandbox.process import write_whole
from tidegate.sandbox.schemas import DemoCode

PASSWORD = "tide and harbour 2026"
_STEP = 30


@dataclass(slots=True)
class Person:
    """`done` names the seeding steps that this person has behind them, so that a killed seed goes on where it was."""

    email: str
    roles: list[str]
    password: str = PASSWORD
    totp_secret: str = ""
    last_step: int = 0
    done: list[str] = field(default_factory=list)


PEOPLE = {
    "ines@demo.example": ["customer"],
    "mara@demo.example": ["customer"],
    "jonas@demo.example": ["customer"],
    "approver@demo.example": ["approver"],
    "admin@demo.example": ["administrator"],
}


def load(folder: Path) -> list[Person]:
    """Everybody, as far as they got."""
    path = folder / "demo.json"
    known = {}
    if path.is_file():
        known = {entry["email"]: Person(**entry) for entry in json.loads(path.read_text())["people"]}
    return [known.get(email) or Person(email, roles) for email, roles in PEOPLE.items()]


def save(folder: Path, people: list[Person]) -> None:
    write_whole(folder / "demo.json", json.dumps({"people": [asdict(person) for person in people]}, indent=1) + "\n")


def seeded(folder: Path) -> bool:
    """Whether the seed came to its end, in this start or an earlier one."""
    return (folder / "seeded").is_file()


def codes(folder: Path, now: float | None = None) -> list[DemoCode]:
    """The present code of everybody who has an authenticator."""
    moment = time.time() if now is None else now
    return [
        DemoCode(
            email=person.email,
            password=person.password,
            roles=person.roles,
            code=pyotp.TOTP(person.totp_secret).at(int(moment)),
            seconds_left=_STEP - int(moment) % _STEP,
        )
        for person in load(folder)
        if person.totp_secret
    ]
