"""Wire shapes of /auth."""

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from tidegate.wire import In, Out, Time


def _clean(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable characters only")
    return value


Email = Annotated[
    str, Field(min_length=3, max_length=254, json_schema_extra={"format": "email"}, examples=["ana@demo.example"])
]
Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=1024, description="The password, compared after Unicode NFC"),
]
NewPassword = Annotated[
    SecretStr,
    # The exact bounds are judged after NFC, by the verb; this one only bounds the work.
    Field(
        max_length=1024, description="15 to 128 characters after Unicode NFC; not a common one, not your own address"
    ),
]
Code = Annotated[
    str,
    Field(min_length=1, max_length=64, description="Six digits of the authenticator", examples=["123456"]),
]
CodeOrRecovery = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="Six digits of the authenticator, or a recovery code",
        examples=["123456"],
    ),
]


class RegisterIn(In):
    email: Email
    password: NewPassword


class RegisteredOut(Out):
    id: uuid.UUID
    email: str


class RegistrationTakenOut(Out):
    """Production's neutral answer: it says nothing about whether the address is known."""

    detail: str


class LoginIn(In):
    email: Annotated[str, Field(min_length=1, max_length=320, examples=["ana@demo.example"])]
    password: Password
    totp_code: CodeOrRecovery | None = None


class TokenIn(In):
    """OAuth2 password form. The second factor is `totp_code`, or `client_secret` (Swagger UI's dialog has that field)."""

    grant_type: Literal["password"] = "password"
    username: Annotated[str, Field(min_length=1, max_length=320, description="The e-mail address")]
    password: Password
    scope: Annotated[str, Field(max_length=1000)] = ""
    client_id: Annotated[str | None, Field(max_length=255)] = None
    client_secret: Annotated[str | None, Field(max_length=64)] = None
    totp_code: Annotated[str | None, Field(max_length=64)] = None


class TokenOut(Out):
    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: Annotated[int, Field(description="Seconds")]
    refresh_token: str


class RefreshIn(In):
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=512)]


Role = Annotated[str, Field(examples=["customer"])]
Factor = Literal["totp"]
CredentialKind = Literal["cookie", "bearer"]


class HoldOut(Out):
    """Why withdrawals of this account wait, and until when (null: until somebody lifts it)."""

    reason: Literal["frozen", "email_changed"]
    since: Time
    until: Time | None
    yours: bool = Field(description="You can lift it, with your second factor: POST /auth/unfreeze")


class NoticesOut(Out):
    """What the account wants to be told about; security notices are always sent."""

    deposits: bool = True
    withdrawals: bool = True
    conversions: bool = True
    sign_ins: bool = True


class EmailWaitingOut(Out):
    """An address that becomes the account's when its link is opened."""

    email: str
    expires_at: Time


class MeOut(Out):
    id: uuid.UUID
    email: str
    name: str | None
    roles: list[Role]
    permissions: list[str]
    factors: Annotated[list[Factor], Field(description="Second factors that are set up; empty: none yet")]
    recovery_codes_left: int
    holds: list[HoldOut]
    language: str
    currency: str
    notices: NoticesOut
    email_waiting: EmailWaitingOut | None
    created_at: Time
    session_id: uuid.UUID | None = None


class SignedInOut(Out):
    user: MeOut


class NoticesIn(In):
    deposits: bool | None = None
    withdrawals: bool | None = None
    conversions: bool | None = None
    sign_ins: bool | None = None


class MeIn(In):
    """Only the fields that are present change."""

    name: Annotated[str, Field(max_length=100), AfterValidator(_clean)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    notices: NoticesIn | None = None


LinkToken = Annotated[
    SecretStr,
    Field(min_length=1, max_length=200, description="What stands behind the `#` of the link"),
]


class LinkIn(In):
    """A link's own part, in the body: no address that a server or a scanner sees holds it."""

    token: LinkToken


class FreezableOut(Out):
    """The account that a freeze link is about."""

    email: str
    frozen_at: Time | None
    used: bool = Field(description="The link has frozen it once; it does so no more")


class UnfreezeIn(In):
    totp_code: Code


class TotpOut(Out):
    """The seed is shown once; it counts after `POST /auth/totp/confirm`."""

    secret: Annotated[str, Field(description="Base32, for typing", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])]
    otpauth_uri: Annotated[str, Field(description="For the QR code")]


class ConfirmTotpIn(In):
    code: Code


class RecoveryCodesOut(Out):
    recovery_codes: Annotated[list[str], Field(min_length=10, max_length=10, description="Each works once; shown once")]


class PasswordIn(In):
    current_password: Password
    new_password: NewPassword
    totp_code: Code | None = None


class EmailIn(In):
    email: Email
    current_password: Password
    totp_code: Code | None = None


class EmailConfirmedOut(Out):
    email: str
    held_until: Annotated[Time, Field(description="Until then nothing new leaves the account")]


class SessionOut(Out):
    id: uuid.UUID
    credential: CredentialKind
    user_agent: str | None
    created_at: Time
    last_seen_at: Time
    expires_at: Time
    current: bool
