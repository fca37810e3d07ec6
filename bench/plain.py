"""A plain withdrawal endpoint, as most teams write it with FastAPI and SQLAlchemy: the other side of the HTTP ratios.

One transaction a request: SELECT … FOR UPDATE of the two accounts, two UPDATEs, the transfer, the withdrawal and the
idempotency row inserted, commit, the answer built from the row. Where there was a choice the faster one was taken, so
that the ratio is not a victory over a straw man: the token is verified in an async dependency and no user is loaded,
the idempotency key is found by its unique index instead of by a look-up before, nothing is logged, uvicorn runs with
uvloop and httptools, and there are none of the product's checks (quote, limits, address rules, review, events, audit).

QUOTES_PATH does even less: one INSERT of one row in one transaction, the other side of the ratio of quotes.

There are two routes for withdrawals, which differ in one thing. PATH moves money between two accounts of the same customer, as the product
does, so that no row is hot; SHARED_PATH moves it to one account of the house, as many books do, so that all requests wait
for one row. Targets are held against the first.

`python -m bench.plain --port N` with DATABASE_URL set serves it.
"""

import argparse
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jose import JWTError, jwt
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime
from uuid_utils.compat import uuid7

KEY = "plain-key-of-the-bench-with-32-bytes!"
POOL = 20
PATH = "/withdrawals"
SHARED_PATH = "/withdrawals-to-one-account"
QUOTES_PATH = "/quotes"
HOUSE = uuid.UUID(int=0)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), int: Numeric(38, 0)}  # noqa: RUF012  SQLAlchemy's own attribute


class User(Base):
    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class Account(Base):
    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("user_id", "kind", "asset"), CheckConstraint("balance >= 0"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    asset: Mapped[str]
    balance: Mapped[int]


class Transfer(Base):
    __tablename__ = "transfers"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debit_account: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    credit_account: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    amount: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Withdrawal(Base):
    __tablename__ = "withdrawals"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transfers.id"))
    asset: Mapped[str]
    amount: Mapped[int]
    address: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    withdrawal_id: Mapped[uuid.UUID]


class Quote(Base):
    __tablename__ = "quotes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    from_asset: Mapped[str]
    to_asset: Mapped[str]
    debit: Mapped[int]
    deliver: Mapped[int]
    expires_at: Mapped[datetime]


class QuoteIn(BaseModel):
    from_asset: Literal["USDT", "BTC"]
    to_asset: Literal["USDT", "BTC"]
    amount: str = Field(pattern=r"^[1-9][0-9]{0,37}$")


class QuoteOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, coerce_numbers_to_str=True)

    id: uuid.UUID
    from_asset: str
    to_asset: str
    debit: str
    deliver: str
    expires_at: datetime


class WithdrawalIn(BaseModel):
    asset: Literal["USDT", "BTC"]
    amount: str = Field(pattern=r"^[1-9][0-9]{0,37}$")
    address: str = Field(min_length=26, max_length=90, pattern=r"^[A-Za-z0-9]+$")


class WithdrawalOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, coerce_numbers_to_str=True)

    id: uuid.UUID
    user_id: uuid.UUID
    asset: str
    amount: str
    address: str
    state: str
    created_at: datetime


def token(user_id: uuid.UUID, now: datetime) -> str:
    """An access token of this app."""
    made: str = jwt.encode({"sub": str(user_id), "iat": now, "exp": now + timedelta(minutes=5)}, KEY, algorithm="HS256")
    return made


_BEARER = HTTPBearer()


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(_BEARER)]) -> uuid.UUID:
    try:
        claims = jwt.decode(credentials.credentials, KEY, algorithms=["HS256"])
        return uuid.UUID(claims["sub"])
    except (JWTError, KeyError, ValueError):
        raise HTTPException(401, "Sign in.") from None


async def a_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as session:
        yield session


def create_app(url: str) -> FastAPI:
    """The app on this database (SQLAlchemy's URL)."""
    app = FastAPI()
    engine = create_async_engine(url, pool_size=POOL, max_overflow=0)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)

    @app.post(PATH, status_code=201)
    async def create_withdrawal(
        body: WithdrawalIn,
        user_id: Annotated[uuid.UUID, Depends(current_user)],
        session: Annotated[AsyncSession, Depends(a_session)],
        idempotency_key: Annotated[str, Header(max_length=255)],
    ) -> WithdrawalOut:
        return await accept(session, body, user_id, idempotency_key, holder=user_id)

    @app.post(SHARED_PATH, status_code=201)
    async def create_withdrawal_to_one_account(
        body: WithdrawalIn,
        user_id: Annotated[uuid.UUID, Depends(current_user)],
        session: Annotated[AsyncSession, Depends(a_session)],
        idempotency_key: Annotated[str, Header(max_length=255)],
    ) -> WithdrawalOut:
        return await accept(session, body, user_id, idempotency_key, holder=HOUSE)

    @app.post(QUOTES_PATH, status_code=201)
    async def create_quote(
        body: QuoteIn,
        user_id: Annotated[uuid.UUID, Depends(current_user)],
        session: Annotated[AsyncSession, Depends(a_session)],
    ) -> QuoteOut:
        # A fixed price: nothing is asked, nothing is reckoned.
        quote = Quote(
            id=uuid7(),
            user_id=user_id,
            from_asset=body.from_asset,
            to_asset=body.to_asset,
            debit=int(body.amount),
            deliver=int(body.amount) * 64,
            expires_at=datetime.now(UTC) + timedelta(seconds=15),
        )
        session.add(quote)
        await session.commit()
        return QuoteOut.model_validate(quote)

    return app


async def accept(
    session: AsyncSession, body: WithdrawalIn, user_id: uuid.UUID, key: str, *, holder: uuid.UUID
) -> WithdrawalOut:
    """One transaction; a key that was used before gives its first answer."""
    amount = int(body.amount)
    accounts = await session.scalars(
        select(Account)
        .where(
            tuple_(Account.user_id, Account.kind).in_([(user_id, "available"), (holder, "held")]),
            Account.asset == body.asset,
        )
        .order_by(Account.id)
        .with_for_update()
    )
    found = {account.kind: account for account in accounts}
    available, held = found["available"], found["held"]
    if available.balance < amount:
        raise HTTPException(409, "Not enough.")
    available.balance -= amount
    held.balance += amount
    transfer = Transfer(id=uuid7(), debit_account=available.id, credit_account=held.id, amount=amount)
    session.add(transfer)
    await session.flush()
    withdrawal = Withdrawal(
        id=uuid7(),
        user_id=user_id,
        transfer_id=transfer.id,
        asset=body.asset,
        amount=amount,
        address=body.address,
        state="pending_verification",
    )
    session.add(withdrawal)
    session.add(IdempotencyKey(user_id=user_id, key=key, withdrawal_id=withdrawal.id))
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        known = await session.get_one(IdempotencyKey, (user_id, key))
        withdrawal = await session.get_one(Withdrawal, known.withdrawal_id)
    return WithdrawalOut.model_validate(withdrawal)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--port", type=int, required=True)
    asked = reader.parse_args()
    uvicorn.run(
        create_app(os.environ["DATABASE_URL"]),
        host="127.0.0.1",
        port=asked.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
