"""The first start's history, made as an outsider would make it: by the public API and real coins.

`python -m tidegate.sandbox.seed` (settings by TIDEGATE_CONFIG). Killed halfway, the next run goes on from there: each
step first looks whether it is done. What the house itself owns is booked as the operator's capital, in just the amount
that the chains and the venue show.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pyotp

from tidegate.auth import accounts
from tidegate.config import Settings, load
from tidegate.database import Database
from tidegate.http import tls
from tidegate.refusal import Kind, Refusal
from tidegate.sandbox import people
from tidegate.sandbox.house_funds import fund_house
from tidegate.sandbox.people import Person

DEPOSITS = {"BTC": ("bitcoin", "0.75"), "ETH": ("ethereum", "12"), "USDT": ("ethereum", "25000")}
_BLOCKS = {"bitcoin": 2, "ethereum": 4}
_STEP = 30
_PATIENCE = 90.0
_ENDED = ("cancelled", "rejected", "expired", "failed")
# A fixed name space, so that a person's recipient is the same in every run.
_NAMES = uuid.UUID("5a7c2f4e-1d0b-4c7e-9a55-7469646567e0")


class SeedFailed(Exception):
    """A step did not come to its end."""


class Mine:
    """Blocks on demand; several people who wait for the same network share them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._locks = {network: asyncio.Lock() for network in _BLOCKS}

    async def __call__(self, network: str) -> None:
        async with self._locks[network]:
            body = {"network": network, "blocks": _BLOCKS[network]}
            good(await self._client.post("/sandbox/mine", json=body))


class Seeding:
    """One run."""

    def __init__(self, settings: Settings, db: Database, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.db = db
        self.client = client
        self.mine = Mine(client)
        self.folder: Path = settings.sandbox.directory
        self.people = people.load(self.folder)
        self._headers: dict[str, dict[str, str]] = {}

    async def run(self) -> None:
        await asyncio.gather(*(self._enrol(person) for person in self.people))
        await self._until(self._parts_are_up, "the start of nodes, worker and exchange")
        await self._house()
        await asyncio.gather(*(self._history(person) for person in self.people if "customer" in person.roles))
        await self._until_codes_are_fresh()
        (self.folder / "seeded").touch()

    async def _parts_are_up(self) -> bool:
        parts = good(await self.client.get("/sandbox/start"))["parts"]
        return all(part["state"] == "ready" for part in parts if part["name"] != "seed")

    async def _until_codes_are_fresh(self) -> None:
        """A code counts once. Whoever signs in as soon as the page is ready must not be told that it was used."""
        used = max(person.last_step for person in self.people)
        await asyncio.sleep(max(0.0, (used + 1) * _STEP - time.time() + 0.05))

    async def _house(self) -> None:
        note = self.folder / "house-funded"
        if not note.is_file():
            await fund_house(self.settings, self.db, self.mine)
            note.touch()

    def _done(self, person: Person, step: str) -> None:
        if step not in person.done:
            person.done.append(step)
        people.save(self.folder, self.people)

    # ---- an account with a second factor

    async def _enrol(self, person: Person) -> None:
        if "enrolled" in person.done:
            return
        await self._register(person)
        answer = await self._token(person)
        # A run that was killed between confirming and noting it: the secret is noted before it counts.
        if answer.status_code != 401:
            headers = {"authorization": f"Bearer {good(answer)['access_token']}"}
            person.totp_secret = good(await self.client.post("/auth/totp", headers=headers))["secret"]
            people.save(self.folder, self.people)
            # The oldest code that counts: the two newer ones are left for the people themselves.
            step = int(time.time()) // _STEP - 1
            body = {"code": pyotp.TOTP(person.totp_secret).generate_otp(step)}
            good(await self.client.post("/auth/totp/confirm", json=body, headers=headers))
            self._headers[person.email] = headers
        self._done(person, "enrolled")

    async def _register(self, person: Person) -> None:
        if "customer" in person.roles:
            body = {"email": person.email, "password": person.password}
            answer = await self.client.post("/auth/register", json=body)
            if answer.status_code != 409:
                good(answer)
            return
        try:
            async with self.db.transaction() as session:
                await accounts.create_user(session, email=person.email, password=person.password, roles=person.roles)
        except Refusal as refusal:
            if refusal.kind is not Kind.CONFLICT:
                raise

    async def _token(self, person: Person, code: str | None = None) -> httpx.Response:
        form = {"username": person.email, "password": person.password}
        if code is not None:
            form["totp_code"] = code
        return await self.client.post("/auth/token", data=form)

    async def _sign_in(self, person: Person) -> dict[str, str]:
        """Headers of a session: that of the enrolment, or a new one in a later run."""
        if person.email in self._headers:
            return self._headers[person.email]
        answer = await self._with_code(person, lambda code: self._token(person, code))
        return {"authorization": f"Bearer {answer['access_token']}"}

    async def _with_code(self, person: Person, use: Callable[[str], Awaitable[httpx.Response]]) -> dict[str, Any]:
        """Do it with the oldest code that counts and was not used; waits for the next one where all were."""
        deadline = time.time() + _PATIENCE
        while time.time() < deadline:
            step = int(time.time()) // _STEP
            for candidate in (step - 1, step, step + 1):
                answer = await use(pyotp.TOTP(person.totp_secret).generate_otp(candidate))
                if answer.status_code < 300:
                    person.last_step = candidate
                    people.save(self.folder, self.people)
                    return good(answer)
                if answer.json().get("code") not in ("code_already_used", "invalid_code", "invalid_credentials"):
                    good(answer)
            await asyncio.sleep(_STEP - time.time() % _STEP + 0.1)
        raise SeedFailed(f"{person.email}: no code was taken")

    # ---- what a customer did before you came

    async def _history(self, person: Person) -> None:
        if "withdrawal" in person.done:
            return
        headers = await self._sign_in(person)
        client = Customer(self.client, headers)
        if "deposits" not in person.done:
            await asyncio.gather(*(self._deposit(client, asset) for asset in DEPOSITS))
            self._done(person, "deposits")
        if "conversion" not in person.done:
            await self._convert(client, person)
            self._done(person, "conversion")
        await self._withdraw(client, person)
        self._done(person, "withdrawal")

    async def _deposit(self, client: "Customer", asset: str) -> None:
        network, amount = DEPOSITS[asset]

        async def there() -> list[str]:
            return [
                item["state"] for item in (await client.get("/wallets/deposits"))["items"] if item["asset"] == asset
            ]

        if not await there():
            place = await client.post("/wallets/addresses", {"asset": asset, "network": network})
            body = {"asset": asset, "network": network, "address": place["address"], "amount": amount}
            good(await self.client.post("/sandbox/faucet", json=body))
        await self.mine(network)

        async def credited() -> bool:
            states = await there()
            return bool(states) and all(state == "credited" for state in states)

        await self._until(credited, f"the deposit of {asset}", network)

    async def _convert(self, client: "Customer", person: Person) -> None:
        id_, reference = await self._made_before(client, f"seed:conversion:{person.email}")
        if id_ is None:
            asked = {
                "kind": "conversion",
                "from_asset": "USDT",
                "to_asset": "BTC",
                "side": "exact_in",
                "amount": "1500",
            }
            quote = await client.post("/exchange/quotes", asked)
            body = {"quote_id": quote["id"], "reference": reference}
            id_ = (await client.post("/exchange/conversions", body, key=reference))["id"]

        async def completed() -> bool:
            return bool((await client.get(f"/exchange/conversions/{id_}"))["state"] == "completed")

        await self._until(completed, "the conversion")

    async def _withdraw(self, client: "Customer", person: Person) -> None:
        id_, reference = await self._made_before(client, f"seed:withdrawal:{person.email}")
        if id_ is None:
            asked = {"kind": "withdrawal", "from_asset": "USDT", "to_asset": "USDT", "network": "ethereum"}
            quote = await client.post("/exchange/quotes", {**asked, "side": "exact_out", "amount": "120"})
            body = {"quote_id": quote["id"], "address": _recipient(person), "reference": reference}
            id_ = (await client.post("/transactions/withdrawals", body, key=reference))["id"]
        path = f"/transactions/withdrawals/{id_}"
        if (await client.get(path))["state"] == "pending_verification":
            await self._with_code(
                person, lambda code: client.send("POST", f"{path}/verify", {"method": "totp", "code": code})
            )

        async def completed() -> bool:
            state = (await client.get(path))["state"]
            if state in _ENDED:
                raise SeedFailed(f"{person.email}: the withdrawal is {state}")
            return bool(state == "completed")

        await self._until(completed, "the withdrawal", "ethereum")

    async def _made_before(self, client: "Customer", wanted: str) -> tuple[str | None, str]:
        """What an earlier run made under this reference and is not lost; else the reference to make it under.

        A reference counts once for ever, so one that ended badly (a run killed for so long that it expired) is numbered.
        """
        known = [item for item in (await client.get("/transactions"))["items"] if _referred(item).startswith(wanted)]
        for item in known:
            if item["state"] not in _ENDED:
                return item["id"], _referred(item)
        return None, f"{wanted}:{len(known) + 1}" if known else wanted

    async def _until(self, reached: Callable[[], Awaitable[bool]], what: str, network: str | None = None) -> None:
        """Poll; with a network, blocks are made so that nobody waits for the next one."""
        deadline = time.monotonic() + _PATIENCE
        last = time.monotonic()
        while not await reached():
            if time.monotonic() > deadline:
                raise SeedFailed(f"{what} did not come to its end within {_PATIENCE:.0f} s")
            if network is not None and time.monotonic() > last + 1:
                await self.mine(network)
                last = time.monotonic()
            await asyncio.sleep(0.2)


class Customer:
    """The API as one signed-in person."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> httpx.Response:
        """What comes back, 503 (`busy`, `venue_unavailable`: nothing was done) only when it stays."""
        headers = self._headers | ({"idempotency-key": key} if key else {})
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = await self._client.request(method, path, json=body, headers=headers)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(min(float(answer.headers.get("retry-after", "1")), 2.0))

    async def get(self, path: str) -> dict[str, Any]:
        return good(await self.send("GET", path))

    async def post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        return good(await self.send("POST", path, body, key))


def good(answer: httpx.Response) -> dict[str, Any]:
    """The body of a success; SeedFailed with the problem otherwise."""
    if answer.status_code >= 300:
        request = answer.request
        raise SeedFailed(f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


def _referred(item: dict[str, Any]) -> str:
    return item.get("reference") or ""


def _recipient(person: Person) -> str:
    """An EVM address that nobody has the key to, one for each person."""
    return f"0x{uuid.uuid5(_NAMES, person.email).hex}c0ffee00"


async def seed(settings: Settings) -> None:
    """All of it. Raises SeedFailed with the step that did not work."""
    db = Database(settings.database_url(), pool_size=4, application="tidegate-seed")
    base = f"http://127.0.0.1:{settings.api.port}/api/v1"
    try:
        async with httpx.AsyncClient(verify=tls(), base_url=base, timeout=httpx.Timeout(60), trust_env=False) as client:
            await Seeding(settings, db, client).run()
    finally:
        await db.close()


def main() -> int:
    try:
        asyncio.run(seed(load()))
    except (SeedFailed, httpx.HTTPError, Refusal, json.JSONDecodeError) as failure:
        sys.stderr.write(f"{str(failure) or type(failure).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
