"""A customer of the wallets room: a real session, a real authenticator, HTTP."""

import json
from typing import Any

import httpx
from sqlalchemy import text

from tests.auth.people import OWN_PAGE, Person
from tidegate.database import Database

API = "/api/v1/wallets"
USDT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OUTSIDE = {
    "bitcoin": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "ethereum": "0x52908400098527886E0F7030069857D2E4169EE7",
}


class Holder(Person):
    """An enrolled customer with a browser."""

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = OWN_PAGE | {"Cookie": self.jar}
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            # Escaped, so that text which is no UTF-8 can be sent too.
            more["content"] = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        return await self.http.request(method, f"{API}{path}", headers=headers, **more)

    async def save(self, asset: str, network: str, address: str, *, key: str, label: str = "Ben") -> httpx.Response:
        body = {"label": label, "asset": asset, "network": network, "address": address}
        return await self.ask("POST", "/beneficiaries", body, key=key)

    async def confirm(self, beneficiary_id: str, code: str | None = None) -> httpx.Response:
        body = {"method": "totp", "code": code or self.code()}
        return await self.ask("POST", f"/beneficiaries/{beneficiary_id}/confirm", body)


async def user_id(db: Database, holder: Holder) -> Any:
    async with db.reading() as session:
        return await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": holder.email})


async def validated(who: Holder, address: str, asset: str, network: str | None = None) -> dict[str, Any]:
    body = {"asset": asset, "address": address} | ({"network": network} if network else {})
    answer = await who.ask("POST", "/addresses/validate", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
