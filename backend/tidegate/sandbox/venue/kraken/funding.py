"""Deposits and withdrawals at Kraken: methods, addresses, and payments to the account's own list of addresses only."""

from typing import Any

from tidegate.sandbox.venue.dialect import Call
from tidegate.sandbox.venue.funding import FEES, LEAST, NETWORKS
from tidegate.sandbox.venue.kraken import request as read
from tidegate.sandbox.venue.kraken import shapes
from tidegate.sandbox.venue.kraken.names import ASSETS, METHODS, code_of, ref_id
from tidegate.sandbox.venue.kraken.names import NETWORKS as NETWORK_NAMES
from tidegate.sandbox.venue.kraken.words import invalid, wrong
from tidegate.sandbox.venue.orders import Denied, Why
from tidegate.sandbox.venue.prices import number
from tidegate.sandbox.venue.world import World


class Funding:
    """The private calls about money in and out."""

    def __init__(self, world: World) -> None:
        self.world, self.funding = world, world.funding

    def deposit_methods(self, call: Call) -> Any:
        code = code_of(read.mandatory(call.parameters, "asset"))
        return [{"method": METHODS[code], "limit": False, "gen-address": True, "minimum": number(LEAST[code])}]

    def deposit_addresses(self, call: Call) -> Any:
        code = code_of(read.mandatory(call.parameters, "asset"))
        if read.mandatory(call.parameters, "method") != METHODS[code]:
            raise Denied(Why.NO_NETWORK)
        fresh = read.flag(call.parameters, "new")
        name, network = call.who.name, NETWORKS[code]
        if not fresh and (name, code, network) not in self.funding.addresses:
            return []
        address = self.funding.address(name, code, network)
        self.funding.set_address(name, code, network, address)
        return [{"address": address, "expiretm": "0", "new": fresh}]

    def deposit_status(self, call: Call) -> Any:
        asked = call.parameters.get("asset")
        code = None if asked is None else code_of(asked)
        found = [one for one in self.funding.deposits.values() if one.account == call.who.name]
        return [shapes.deposit(one) for one in reversed(found) if code in (None, one.asset)]

    def withdraw_methods(self, call: Call) -> Any:
        self._may_withdraw(call)
        asked = call.parameters.get("asset")
        codes = list(ASSETS) if asked is None else [code_of(asked)]
        return [
            {
                "asset": ASSETS[code][0],
                "method_id": METHODS[code],
                "method": METHODS[code],
                "network": NETWORK_NAMES[NETWORKS[code]],
                "minimum": number(LEAST[code] + FEES[code]),
            }
            for code in codes
        ]

    def withdraw_addresses(self, call: Call) -> Any:
        self._may_withdraw(call)
        asked, method = call.parameters.get("asset"), call.parameters.get("method")
        code = None if asked is None else code_of(asked)
        return [
            {"address": address, "asset": ASSETS[owned][0], "method": METHODS[owned], "key": key, "verified": True}
            for key, owned, address in self.world.allowed(call.who.name, code)
            if owned in ASSETS and method in (None, METHODS[owned])
        ]

    def withdraw_info(self, call: Call) -> Any:
        self._may_withdraw(call)
        code, _ = self._named(call)
        amount, fee = read.decimal(call.parameters, "amount"), FEES[code]
        free = self.world.engine.balances[call.who.name].get(code, (0, 0))[0]
        return {
            "method": METHODS[code],
            "limit": number(free),
            "amount": number(max(0, amount - fee)),
            "fee": number(fee),
        }

    def withdraw(self, call: Call) -> Any:
        self._may_withdraw(call)
        self.world.may_act()
        code, address = self._named(call)
        if call.parameters.get("address", address) != address:
            raise invalid("address")
        amount = read.decimal(call.parameters, "amount")
        if "max_fee" in call.parameters and FEES[code] > read.decimal(call.parameters, "max_fee"):
            raise wrong("EFunding:Max fee exceeded")
        key = call.parameters["key"]
        made = self.funding.withdraw(call.who.name, code, NETWORKS[code], address, amount, call.now, key=key)
        return {"refid": ref_id(made.id)}

    def withdraw_status(self, call: Call) -> Any:
        asked, method = call.parameters.get("asset"), call.parameters.get("method")
        code = None if asked is None else code_of(asked)
        start, end = read.whole(call.parameters, "start") * 1000, read.whole(call.parameters, "end", 1 << 40) * 1000
        limit = read.whole(call.parameters, "limit", 500)
        found = [
            one
            for one in reversed(self.funding.of(call.who.name, code))
            if method in (None, METHODS[one.asset]) and start <= one.time <= end
        ]
        return [shapes.withdrawal(one) for one in found[:limit]]

    def _named(self, call: Call) -> tuple[str, str]:
        """Asset and address of an entry of the account's list."""
        code, key = code_of(read.mandatory(call.parameters, "asset")), read.mandatory(call.parameters, "key")
        for name, _, address in self.world.allowed(call.who.name, code):
            if name == key:
                return code, address
        raise Denied(Why.NO_KEY)

    @staticmethod
    def _may_withdraw(call: Call) -> None:
        if not call.who.can_withdraw:
            raise wrong("EGeneral:Permission denied")
