"""Deposits and withdrawals in Binance's /sapi: coins, addresses, asking for a withdrawal, its history."""

import re
from datetime import UTC, datetime
from typing import Any

from tidegate.sandbox.venue.binance import request as read
from tidegate.sandbox.venue.binance.words import wrong
from tidegate.sandbox.venue.dialect import Call
from tidegate.sandbox.venue.funding import ADDRESSES, FEES, LEAST, NETWORKS, Deposit, Withdrawal
from tidegate.sandbox.venue.orders import Denied, Why
from tidegate.sandbox.venue.prices import number
from tidegate.sandbox.venue.world import World

NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USDT": "TetherUS", "USDC": "USDC"}
THEIRS = {"bitcoin": "BTC", "ethereum": "ETH"}
OURS = {theirs: ours for ours, theirs in THEIRS.items()}
_STATES = {"pending": 4, "completed": 6, "failed": 5}
_WEEK_MS = 7 * 86_400_000
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,64}\Z", re.ASCII)


class Funding:
    """The paths under /sapi."""

    def __init__(self, world: World) -> None:
        self.world, self.funding = world, world.funding

    def status(self, call: Call) -> Any:
        if self.world.maintained:
            return {"status": 1, "msg": "system_maintenance"}
        return {"status": 0, "msg": "normal"}

    def restrictions(self, call: Call) -> Any:
        return {
            "ipRestrict": True,
            "createTime": 1_700_000_000_000,
            "enableReading": True,
            "enableSpotAndMarginTrading": call.who.can_trade,
            "enableWithdrawals": call.who.can_withdraw,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
        }

    def coins(self, call: Call) -> Any:
        return [self._coin(call, asset) for asset in NAMES]

    def _coin(self, call: Call, asset: str) -> dict[str, Any]:
        free, locked = self.world.engine.balances[call.who.name].get(asset, (0, 0))
        return {
            "coin": asset,
            "name": NAMES[asset],
            "free": number(free),
            "locked": number(locked),
            "freeze": "0",
            "ipoable": "0",
            "ipoing": "0",
            "storage": "0",
            "withdrawing": "0",
            "isLegalMoney": False,
            "trading": True,
            "depositAllEnable": True,
            "withdrawAllEnable": not self.world.maintained,
            "networkList": [self._network(asset, NETWORKS[asset])],
        }

    def _network(self, asset: str, network: str) -> dict[str, Any]:
        return {
            "network": THEIRS[network],
            "coin": asset,
            "name": {"bitcoin": "Bitcoin", "ethereum": "Ethereum (ERC20)"}[network],
            "isDefault": True,
            "depositEnable": True,
            "withdrawEnable": not self.world.maintained,
            "withdrawFee": number(FEES[asset]),
            "withdrawMin": number(LEAST[asset] + FEES[asset]),
            "withdrawMax": "10000000",
            "withdrawInternalMin": "0.00000001",
            "withdrawIntegerMultiple": "0.00000001",
            "addressRegex": ADDRESSES[network],
            "memoRegex": "",
            "minConfirm": 2,
            "unLockConfirm": 2,
            "sameAddress": False,
            "busy": False,
            "withdrawTag": False,
        }

    def deposit_address(self, call: Call) -> Any:
        asset, network = self._where(call)
        address = self.funding.address(call.who.name, asset, network)
        self.world.funding.set_address(call.who.name, asset, network, address)
        return {"address": address, "coin": asset, "tag": "", "url": ""}

    def deposits(self, call: Call) -> Any:
        coin = call.parameters.get("coin")
        found = [one for one in self.funding.deposits.values() if one.account == call.who.name]
        return [_deposit(one) for one in found if coin in (None, one.asset) and _within(call, one.time)]

    def apply(self, call: Call) -> Any:
        if not call.who.can_withdraw:
            raise wrong(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        self.world.may_act()
        asset, network = self._where(call)
        address = read.mandatory(call.parameters, "address")
        if call.parameters.get("addressTag"):
            raise wrong(-4106, "The network does not support a tag.")
        client_id = call.parameters.get("withdrawOrderId", "")
        if client_id and not _CLIENT_ID.match(client_id):
            raise wrong(-1100, "Illegal characters found in parameter 'withdrawOrderId'.")
        amount = read.decimal(call.parameters, "amount")
        if not amount:
            raise wrong(-1102, "Mandatory parameter 'amount' was not sent, was empty/null, or malformed.")
        made = self.funding.withdraw(call.who.name, asset, network, address, amount, call.now, client_id=client_id)
        return {"id": _id(made.id)}

    def history(self, call: Call) -> Any:
        start, end = read.integer(call.parameters, "startTime"), read.integer(call.parameters, "endTime")
        client_id = call.parameters.get("withdrawOrderId")
        if client_id is not None and start is not None and (end or call.now) - start > _WEEK_MS:
            raise wrong(-4047, "The time interval must be within 7 days when withdrawOrderId is sent.")
        found = self.funding.of(call.who.name, call.parameters.get("coin"))
        found = [one for one in found if client_id in (None, one.client_id) and _within(call, one.time)]
        return [_withdrawal(one) for one in reversed(found)]

    def _where(self, call: Call) -> tuple[str, str]:
        """Asset and network, the asset's own where none is named."""
        asset = read.mandatory(call.parameters, "coin")
        theirs = call.parameters.get("network")
        if asset not in NETWORKS:
            raise Denied(Why.NO_ASSET)
        network = NETWORKS[asset] if theirs is None else OURS.get(theirs, theirs)
        self.funding.check(asset, network)
        return asset, network


def _within(call: Call, stamp: int) -> bool:
    start, end = read.integer(call.parameters, "startTime"), read.integer(call.parameters, "endTime")
    return (start is None or stamp >= start) and (end is None or stamp <= end)


def _id(number: int) -> str:
    return f"{number:032x}"


def _time(stamp: int) -> str:
    return datetime.fromtimestamp(stamp // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _withdrawal(one: Withdrawal) -> dict[str, Any]:
    return {
        "id": _id(one.id),
        "amount": number(one.asked),
        "transactionFee": number(one.fee),
        "coin": one.asset,
        "status": _STATES[one.state],
        "address": one.address,
        "addressTag": one.tag,
        "txId": one.txid,
        "applyTime": _time(one.time),
        **({"completeTime": _time(one.updated)} if one.state == "completed" else {}),
        "network": THEIRS[one.network],
        "transferType": 0,
        "withdrawOrderId": one.client_id,
        "info": "",
        "confirmNo": 2 if one.state == "completed" else 0,
        "walletType": 0,
        "txKey": "",
    }


def _deposit(one: Deposit) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "amount": number(one.amount),
        "coin": one.asset,
        "network": THEIRS[one.network],
        "status": 1,
        "address": one.address,
        "addressTag": "",
        "txId": one.txid,
        "insertTime": one.time,
        "transferType": 0,
        "confirmTimes": "2/2",
        "unlockConfirm": 2,
        "walletType": 0,
    }
