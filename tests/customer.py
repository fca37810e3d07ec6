"""A customer of a running system, by the public API alone: what a careful program of somebody else's would do."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pyotp

STEP = 30
REFRESH_AFTER = 200
"""Access tokens live 300 s."""
ENDED = {"completed", "cancelled", "rejected", "expired", "failed"}


class Authenticator:
    """Codes that count: never the same time step twice, the present and its two neighbours before any waiting."""

    def __init__(self, secret: str, *, spent: int = 0) -> None:
        """`spent`: the last step that somebody else may have used."""
        self._totp = pyotp.TOTP(secret)
        self._used: set[int] = {spent}
        self._lock = asyncio.Lock()

    async def code(self) -> str:
        """The next code that was never given out; waits for the next step when all that count now were."""
        async with self._lock:
            while True:
                now = time.time()
                step = int(now) // STEP
                # The step before is about to stop counting when the present one is nearly over.
                candidates = [step, step + 1] if now % STEP > STEP - 6 else [step - 1, step, step + 1]
                for candidate in candidates:
                    if all(candidate > used for used in self._used):
                        self._used.add(candidate)
                        return self._totp.generate_otp(candidate)
                await asyncio.sleep(STEP - now % STEP + 0.05)

    def wrong(self) -> str:
        """Six digits that are no code of any step that counts."""
        step = int(time.time()) // STEP
        right = {self._totp.generate_otp(step + around) for around in range(-3, 4)}
        return next(code for digit in range(10) if (code := str(digit) * 6) not in right)


T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T | None]], what: str, *, within: float = 60, every: float = 0.2) -> T:
    """What `ask` answers once it answers anything; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        found = await ask()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:g} s for: {what}")
        await asyncio.sleep(every)


class Refused(AssertionError):
    """The API said no where the test expected yes."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        self.answer = answer


class Customer:
    """Somebody with an account, signed in by bearer token."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        email: str,
        password: str,
        authenticator: Authenticator | None = None,
        hurry: Callable[[str], Awaitable[object]] | None = None,
    ) -> None:
        """`hurry(network)` makes the next block come at once; without it a customer waits like everybody."""
        self.hurry = hurry
        self.http = http
        self.email = email
        self.password = password
        self.authenticator = authenticator
        self.recovery_codes: list[str] = []
        self._refresh_token = ""
        self._signed_in_at = 0.0

    async def close(self) -> None:
        await self.http.aclose()

    # ------------------------------------------------------------ the account

    @classmethod
    async def register(
        cls, http: httpx.AsyncClient, hurry: Callable[[str], Awaitable[object]] | None = None
    ) -> "Customer":
        email, password = f"walker-{uuid.uuid4().hex[:12]}@example.com", f"tide over the gate {uuid.uuid4().hex}"
        customer = cls(http, email, password, hurry=hurry)
        answer = await http.post("/auth/register", json={"email": customer.email, "password": customer.password})
        if answer.status_code != 201:
            raise Refused(answer)
        await customer.sign_in()
        return customer

    async def sign_in(self) -> None:
        """By the OAuth2 form; with a code where there is an authenticator."""
        form = {"username": self.email, "password": self.password}
        if self.authenticator is not None:
            form["totp_code"] = await self.authenticator.code()
        self._take_tokens(await self.http.post("/auth/token", data=form))

    def _take_tokens(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            raise Refused(answer)
        found = answer.json()
        self.http.headers["Authorization"] = f"Bearer {found['access_token']}"
        self._refresh_token = found["refresh_token"]
        self._signed_in_at = time.monotonic()

    async def enrol(self) -> str:
        """Set up TOTP; answers the secret."""
        secret = str((await self.post("/auth/totp"))["secret"])
        authenticator = Authenticator(secret)
        confirmed = await self.post("/auth/totp/confirm", {"code": await authenticator.code()})
        self.recovery_codes = confirmed["recovery_codes"]
        self.authenticator = authenticator
        return secret

    async def code(self) -> str:
        assert self.authenticator is not None, "not enrolled"
        return await self.authenticator.code()

    # ------------------------------------------------------------ calls

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """One request as this customer, whatever comes back. `key` is the Idempotency-Key."""
        if self._signed_in_at and time.monotonic() - self._signed_in_at > REFRESH_AFTER:
            self._signed_in_at = time.monotonic()
            self._take_tokens(await self.http.post("/auth/token/refresh", json={"refresh_token": self._refresh_token}))
        headers = {"Idempotency-Key": key} if key is not None else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
            return await self.http.request(method, path, content=content, headers=headers, params=params)
        return await self.http.request(method, path, json=body, headers=headers, params=params)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        return _good(await self.call("GET", path, params=params))

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> dict[str, Any]:
        return _good(await self.call("POST", path, body, key=key))

    # ------------------------------------------------------------ the walk

    async def address(self, asset: str, network: str) -> str:
        return str((await self.post("/wallets/addresses", {"asset": asset, "network": network}))["address"])

    async def balance(self, asset: str) -> dict[str, Decimal]:
        """`available`, `held`, `incoming`, `total` of one asset."""
        for found in (await self.get("/wallets/balances"))["items"]:
            if found["asset"] == asset:
                return {name: Decimal(found[name]) for name in ("available", "held", "incoming", "total")}
        raise AssertionError(f"no balance of {asset}")

    async def available(self, asset: str) -> Decimal:
        return (await self.balance(asset))["available"]

    async def deposit_in(self, txid: str, *states: str, asset: str | None = None, within: float = 60) -> dict[str, Any]:
        """The deposit of a chain transaction, once it is in one of these states."""

        async def look() -> dict[str, Any] | None:
            for found in (await self.get("/wallets/deposits"))["items"]:
                if found["txid"] == txid and found["state"] in states and asset in (None, found["asset"]):
                    return dict(found)
            return None

        return await until(look, f"deposit {txid} in {states}", within=within)

    async def quote(self, **asked: Any) -> dict[str, Any]:
        return await self.post("/exchange/quotes", asked)

    async def withdraw(self, quote: dict[str, Any], address: str, **more: Any) -> dict[str, Any]:
        """Accept a withdrawal quote to an address, under a fresh key."""
        body = {"quote_id": quote["id"], "address": address, **more}
        return await self.post("/transactions/withdrawals", body, key=fresh_key())

    async def verify(self, withdrawal: dict[str, Any]) -> dict[str, Any]:
        body = {"method": "totp", "code": await self.code()}
        return await self.post(f"/transactions/withdrawals/{withdrawal['id']}/verify", body)

    async def withdrawal(self, id_: str) -> dict[str, Any]:
        return await self.get(f"/transactions/withdrawals/{id_}")

    async def withdrawal_when(
        self, id_: str, ready: Callable[[dict[str, Any]], bool], what: str, *, within: float = 60
    ) -> dict[str, Any]:
        """The withdrawal, once it is as wanted. Fails at once when it ended otherwise."""

        async def look() -> dict[str, Any] | None:
            found = await self.withdrawal(id_)
            if ready(found):
                return found
            if found["state"] in ENDED:
                raise AssertionError(f"withdrawal ended {found['state']}, not {what}: {found}")
            if self.hurry is not None and found["state"] == "confirming":
                await self.hurry(found["network"])
            return None

        return await until(look, f"withdrawal {what}", within=within)

    async def completed(self, id_: str, *, within: float = 60) -> dict[str, Any]:
        return await self.withdrawal_when(id_, lambda found: found["state"] == "completed", "completed", within=within)

    async def pay(self, address: str, **asked: Any) -> dict[str, Any]:
        """The whole walk: quote, accept, verify, wait for `completed`."""
        quote = await self.quote(kind="withdrawal", **asked)
        withdrawal = await self.withdraw(quote, address)
        await self.verify(withdrawal)
        return await self.completed(withdrawal["id"])


def fresh_key() -> str:
    return uuid.uuid4().hex


def amount(found: dict[str, Any]) -> Decimal:
    """The number of an amount on the wire."""
    return Decimal(found["amount"])


def _good(answer: httpx.Response) -> dict[str, Any]:
    if not 200 <= answer.status_code < 300:
        raise Refused(answer)
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found
