"""A customer of the wallets room: a real session, a real authenticator, HTTP."""

from typing import Any

import httpx

from tests.auth.people import OWN_PAGE, Person

API = "/api/v1/wallets"


class Holder(Person):
    """An enrolled customer with a browser."""

    async def ask(
        self, method: str, path: str, json: Any = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = OWN_PAGE | {"Cookie": self.jar}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.http.request(method, f"{API}{path}", json=json, headers=headers, **more)

    async def save(self, asset: str, network: str, address: str, *, key: str, label: str = "Ben") -> httpx.Response:
        body = {"label": label, "asset": asset, "network": network, "address": address}
        return await self.ask("POST", "/beneficiaries", body, key=key)

    async def confirm(self, beneficiary_id: str, code: str | None = None) -> httpx.Response:
        body = {"method": "totp", "code": code or self.code()}
        return await self.ask("POST", f"/beneficiaries/{beneficiary_id}/confirm", body)
