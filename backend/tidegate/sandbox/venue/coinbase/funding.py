"""The older interface (v2): currencies, wallets, deposit addresses, sends."""

from typing import Any

from tidegate.sandbox.venue.coinbase import request as read
from tidegate.sandbox.venue.coinbase import shapes
from tidegate.sandbox.venue.coinbase.names import NAMES, number_of, send_id, wallet_id
from tidegate.sandbox.venue.coinbase.words import of_a_send, v2
from tidegate.sandbox.venue.dialect import Call, Reply, Wrong
from tidegate.sandbox.venue.funding import NETWORKS
from tidegate.sandbox.venue.orders import Denied, Why
from tidegate.sandbox.venue.prices import E8, short
from tidegate.sandbox.venue.world import World

MOST_A_PAGE = 300


class Funding:
    """The paths under /v2. Denied is worded as v2 does."""

    def __init__(self, world: World) -> None:
        self.world, self.funding, self.engine = world, world.funding, world.engine

    # What anybody may ask.

    def currencies(self, call: Call) -> Any:
        return {"data": [{"id": "USD", "name": "United States Dollar", "min_size": "0.01"}]}

    def crypto(self, call: Call) -> Any:
        return {
            "data": [
                {"asset_id": wallet_id("", code), "code": code, "name": name, "exponent": 8, "type": "crypto"}
                for code, name in NAMES.items()
            ]
        }

    def rates(self, call: Call) -> Any:
        mids = {code: E8 if code == "USDT" else self.world.prices.mid(f"{code}USDT") for code in NAMES}
        rates = {code: short(E8 * E8 // mid) for code, mid in mids.items()}
        return {"data": {"currency": "USD", "rates": {"USD": "1", **rates}}}

    # The account.

    def wallets(self, call: Call) -> Any:
        held = self.engine.balances[call.who.name]
        found = [shapes.wallet(call.who.name, code, sum(held.get(code, (0, 0)))) for code in NAMES]
        return self._page(call, found, "/v2/accounts")

    def addresses(self, call: Call) -> Any:
        asset = self._asset(call)
        known = [
            (network, address)
            for (account, code, network), address in self.funding.addresses.items()
            if (account, code) == (call.who.name, asset)
        ]
        found = [_address(call.who.name, asset, network, address) for network, address in known]
        return self._page(call, found, call.raw.path)

    def new_address(self, call: Call) -> Any:
        asset, told = self._asset(call), call.parameters.get("network", None)
        network = NETWORKS[asset] if told is None else str(told)
        address = self.funding.address(call.who.name, asset, network)
        self.funding.set_address(call.who.name, asset, network, address)
        return Reply({"data": _address(call.who.name, asset, network, address)}, 201)

    def transactions(self, call: Call) -> Any:
        asset, name = self._asset(call), call.who.name
        found = [(one.time, shapes.send(one)) for one in self.funding.of(name, asset)]
        arrived = (one for one in self.funding.deposits.values() if (one.account, one.asset) == (name, asset))
        found += [(one.time, shapes.received(one)) for one in arrived]
        newest_first = [entry for _, entry in sorted(found, key=lambda pair: (pair[0], pair[1]["id"]), reverse=True)]
        return self._page(call, newest_first, call.raw.path)

    def transaction(self, call: Call) -> Any:
        asset, number = self._asset(call), number_of(call.raw.named["transaction"])
        for one in self.funding.of(call.who.name, asset):
            if one.id == number and send_id(one.id) == call.raw.named["transaction"]:
                return {"data": shapes.send(one)}
        raise Denied(Why.NO_ASSET)

    def send(self, call: Call) -> Any:
        if not call.who.can_withdraw:
            raise Wrong(v2(403, "invalid_scope", "Missing required scopes"))
        self.world.may_act()
        asset, told = self._asset(call), call.parameters
        if told.get("type") != "send":
            raise Wrong(v2(400, "validation_error", "Please enter a valid type"))
        if told.get("currency") != asset:
            raise Wrong(v2(400, "validation_error", "The currency is not the wallet's"))
        idem = str(told.get("idem", ""))
        for one in self.funding.of(call.who.name):
            if idem and one.client_id == idem:
                # The token of an earlier send: that one again, and nothing is sent.
                return Reply({"data": shapes.send(one)}, 201)
        bad = Wrong(v2(400, "validation_error", "Please enter a valid amount"))
        network = told.get("network") or NETWORKS[asset]
        made = self.funding.withdraw(
            call.who.name,
            asset,
            str(network),
            read.text(told, "to"),
            read.decimal(told, "amount", bad),
            call.now,
            client_id=idem,
            fee_on_top=True,
        )
        return Reply({"data": shapes.send(made)}, 201)

    def _asset(self, call: Call) -> str:
        """Of the wallet in the path: by its id, or by its currency's code."""
        told = call.raw.named["wallet"]
        for code in NAMES:
            if told in (code, wallet_id(call.who.name, code)):
                return code
        raise Denied(Why.NO_ASSET)

    @staticmethod
    def _page(call: Call, entries: list[dict[str, Any]], path: str) -> Any:
        limit = min(MOST_A_PAGE, max(1, read.whole(call.parameters, "limit", 25)))
        after = read.one(call.parameters, "starting_after")
        ids = [entry["id"] for entry in entries]
        first = ids.index(after) + 1 if after in ids else 0
        page = entries[first : first + limit]
        more = first + limit < len(entries)
        uri = f"{path}?limit={limit}&starting_after={page[-1]['id']}" if more else None
        return {
            "pagination": {"limit": limit, "order": "desc", "starting_after": after, "next_uri": uri},
            "data": page,
        }


def _address(owner: str, asset: str, network: str, address: str) -> dict[str, Any]:
    id_ = wallet_id(owner, f"{asset}/{network}/{address}")
    return {"id": id_, "address": address, "network": network, "name": None, "resource": "address"}


def denied(denied: Denied) -> Reply:
    return of_a_send(denied.why)
