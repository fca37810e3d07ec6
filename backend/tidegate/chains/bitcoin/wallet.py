"""The watch-only wallet inside the node: made, loaded and kept watching far enough ahead."""

from collections.abc import Sequence
from typing import Any

from tidegate.chains.bitcoin.build import import_params
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.public import BitcoinKeys
from tidegate.chains.rpc import Rpc, RpcError

FIRST_END = 999
"""Highest index watched by a new wallet."""
MARGIN = 1_000
"""Addresses that stay watched beyond the ones that may be handed out: as many as are allowed at a time, so that only a
wallet that was lost ends below them."""

_NOT_FOUND = -18  # no such wallet loaded
_EXISTS = -4
_LOADED = -35
_SLOW_SECONDS = 60.0
"""Making, loading, importing. An import that takes longer goes on in the node: `scanning` tells when it is done."""


class NodeWallet:
    """One named wallet of the node. `call` loads it again when the node came back without it."""

    def __init__(self, rpc: Rpc, name: str, keys: BitcoinKeys, born: int) -> None:
        self._rpc = rpc
        self._name = name
        self._keys = keys
        self._born = born
        self._end: int | None = None
        self.target = f"/wallet/{name}"

    async def call(self, method: str, *params: Any, timeout: float | None = None, once: bool = False) -> Any:
        """A wallet method. Raises as Rpc.call does."""
        try:
            return await self._rpc.call(method, *params, target=self.target, timeout=timeout, once=once)
        except RpcError as error:
            if error.code != _NOT_FOUND:
                raise
        await self._load()
        return await self._rpc.call(method, *params, target=self.target, timeout=timeout, once=once)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Wallet methods in one request; raises NodeUnavailable while the wallet is not loaded."""
        results = await self._rpc.batch(calls, target=self.target)
        if any(isinstance(result, RpcError) and result.code == _NOT_FOUND for result in results):
            await self._load()
            results = await self._rpc.batch(calls, target=self.target)
        return results

    async def _load(self) -> None:
        try:
            await self._rpc.call("loadwallet", self._name, True, timeout=_SLOW_SECONDS, once=True)
        except RpcError as error:
            if error.code != _LOADED:
                raise NodeUnavailable(f"the node cannot load wallet {self._name}: {error.message}") from error

    async def prepare(self) -> None:
        """The wallet is there, holds no key, and watches our descriptors. Raises NodeUnavailable otherwise."""
        try:
            params = (self._name, True, True, "", False, True, True)
            await self._rpc.call("createwallet", *params, timeout=_SLOW_SECONDS, once=True)
        except RpcError as error:
            if error.code not in (_EXISTS, _LOADED):
                raise NodeUnavailable(f"the node cannot make wallet {self._name}: {error.message}") from error
            await self._load()
        await self._usable()
        self._end = await self._watched_end()
        if self._end is None:
            # A node that lost its wallet looks again from the birth of the seed: no coin of ours is older.
            await self._import(FIRST_END, next_index=0, timestamp=self._born)

    async def check(self) -> None:
        """While running: still that wallet, still watching our descriptors. Raises NodeUnavailable, RpcError."""
        await self._usable()
        self._end = await self._watched_end()
        if self._end is None:
            raise NodeUnavailable(f"wallet {self._name} of the node does not watch our descriptors")

    async def _usable(self) -> None:
        info = await self.call("getwalletinfo")
        if info.get("private_keys_enabled") or not info.get("descriptors"):
            raise NodeUnavailable(f"wallet {self._name} of the node is not a watch-only descriptor wallet")
        if scanning := info.get("scanning"):
            # What it has not looked at yet it would call absent.
            share = f" ({int(scanning['progress'] * 100)} %)" if isinstance(scanning, dict) else ""
            raise NodeUnavailable(f"the node's wallet is still looking through the chain{share}")

    async def _watched_end(self) -> int | None:
        """Highest index that both descriptors are watched to, None when one is missing."""
        external, internal = await self._listed()
        # The internal range follows the node's own use of change; only the external one is ours to extend.
        return None if external is None or internal is None else int(external["range"][1])

    async def _listed(self) -> tuple[Any, Any]:
        """What the node says of our two descriptors, None for one that it does not use."""
        listed = (await self.call("listdescriptors"))["descriptors"]
        by_text = {_spelling(entry["desc"]): entry for entry in listed if entry.get("active")}
        return by_text.get(_spelling(self._keys.external)), by_text.get(_spelling(self._keys.internal))

    async def watch(self, upto_index: int) -> None:
        """Addresses below `upto_index`, and MARGIN more, are watched afterwards."""
        if self._end is None:
            await self.prepare()
        end = self._end if self._end is not None else FIRST_END
        if upto_index + MARGIN <= end + 1:
            return
        new_end = upto_index + max(1_000, min(10_000, upto_index))
        # Handed-out addresses beyond the watched range mean a lost wallet: payments to them may be old.
        timestamp = self._born if upto_index > end + 1 else "now"
        await self._import(new_end, next_index=upto_index, timestamp=timestamp)

    async def _import(self, end: int, *, next_index: int, timestamp: int | str) -> None:
        try:
            _, change = await self._listed()
            params = import_params(
                self._keys.external,
                self._keys.internal,
                end=end,
                next_index=next_index,
                change_end=max(end, int(change["range"][1])) if change else end,
                change_index=int(change.get("next", change.get("next_index", 0))) if change else 0,
                timestamp=timestamp,
            )
            results = await self.call("importdescriptors", *params, timeout=_SLOW_SECONDS, once=True)
        except RpcError as error:
            raise NodeUnavailable(f"the node did not import our descriptors: {error.message}") from error
        for result in results:
            if not result.get("success"):
                raise NodeUnavailable(f"the node did not import our descriptors: {result.get('error')}")
        self._end = end


def _spelling(descriptor: str) -> str:
    """One spelling for comparing: nodes list hardened steps as `h`, others write `'`, and the checksum differs with it."""
    return descriptor.partition("#")[0].replace("'", "h")
