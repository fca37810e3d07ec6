"""The only door to the signer: one request over its Unix socket, one answer; trouble is an answer too."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tidegate.signing.frames import BadFrame, framed, read_frame, socket_address
from tidegate.signing.messages import (
    Answer,
    Approved,
    AskBytes,
    AskSigned,
    AskStatus,
    Authorisation,
    Denied,
    Failed,
    Fence,
    Intent,
    Malformed,
    Payout,
    Reply,
    Request,
    SignBitcoin,
    SignChild,
    SignedBytes,
    SignedLately,
    SignerStatus,
    SignEvm,
    SignMove,
    reply_of,
    wrap,
)


class SignerDoor:
    """Asks the signer at `socket_path`. Never raises for what the signer does or fails to do.

    `Failed` means unknown: the signer may have journalled and signed. Asking again with the same request is always
    safe and answers with identical bytes; asking with another transaction is what the signer's rules are for. Only with
    `written` false is it certain that the signer never saw the request.
    """

    def __init__(self, socket_path: Path, *, timeout: float = 30.0) -> None:
        self._path = socket_path
        self._timeout = timeout

    async def sign_bitcoin(
        self,
        payouts: Sequence[tuple[Intent, Authorisation]],
        psbt: str,
        *,
        replaces: str = "",
        under: Fence | None = None,
    ) -> Answer:
        """Have this PSBT signed: it must pay exactly these payouts and our own change, and nothing else.

        `replaces`: the txid of the transaction of the same payouts that it is to take the place of. `under`, here and
        below: the lease that the set is worked on under; a holder before the last one that was heard is denied.
        """
        return await self._answer(SignBitcoin(tuple(Payout(*payout) for payout in payouts), psbt, replaces), under)

    async def sign_child(self, *, network: str, parent: str, psbt: str, under: Fence | None = None) -> Answer:
        """Have the PSBT signed that spends the change of our own `parent` to pay for both."""
        return await self._answer(SignChild(network, parent, psbt), under)

    async def sign_evm(
        self,
        intent: Intent,
        authorisation: Authorisation,
        *,
        nonce: int,
        gas: int,
        max_fee_per_gas: int,
        max_priority_fee_per_gas: int,
        chain_id: int,
        replaces: str = "",
        under: Fence | None = None,
    ) -> Answer:
        """Have the transaction that pays this intent at this nonce built and signed by the signer.

        `replaces`: the hash of the transaction at this nonce that it is to take the place of.
        """
        return await self._answer(
            SignEvm(intent, authorisation, nonce, gas, max_fee_per_gas, max_priority_fee_per_gas, chain_id, replaces),
            under,
        )

    async def sign_move(self, move: SignMove, *, under: Fence | None = None) -> Answer:
        """Have a move of the house signed. The signer knows where it may go; nobody names a recipient."""
        return await self._answer(move, under)

    async def status(self) -> SignerStatus | Failed:
        """Whether the signer lives, within 3 seconds."""
        reply = await self._ask(AskStatus(), min(self._timeout, 3.0))
        return reply if isinstance(reply, SignerStatus | Failed) else Failed("the signer answered something else")

    async def signed_lately(self) -> SignedLately | Failed:
        """The newest transactions of the signer's journal, within 3 seconds."""
        reply = await self._ask(AskSigned(), min(self._timeout, 3.0))
        return reply if isinstance(reply, SignedLately | Failed) else Failed("the signer answered something else")

    async def signed_bytes(self, txid: str) -> SignedBytes | Denied | Failed:
        """What the signer signed as this transaction; Denied when it did not."""
        reply = await self._ask(AskBytes(txid), self._timeout)
        known = SignedBytes | Denied | Failed
        return reply if isinstance(reply, known) else Failed("the signer answered something else")

    async def _answer(self, request: Request, under: Fence | None) -> Answer:
        reply = await self._ask(request, self._timeout, under)
        return reply if isinstance(reply, Approved | Denied | Failed) else Failed("the signer answered something else")

    async def _ask(self, request: Request, timeout: float, under: Fence | None = None) -> Reply:
        written = False
        try:
            async with asyncio.timeout(timeout):
                request_bytes = framed(wrap(request, under))
                with socket_address(self._path) as address:
                    reader, writer = await asyncio.open_unix_connection(address)
                written = True
                return await self._exchange(reader, writer, request_bytes)
        except TimeoutError:
            return Failed("the signer did not answer in time", written)
        except BadFrame as error:
            return Failed(f"no usable answer from the signer: {error}", written)
        except Malformed as error:
            return Failed(f"the signer answered something else: {error}", written)
        except OSError as error:
            return Failed(f"the signer cannot be reached: {error.strerror or type(error).__name__}", written)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request_bytes: bytes
    ) -> Reply:
        try:
            writer.write(request_bytes)
            await writer.drain()
            document = await read_frame(reader)
            if document is None:
                raise BadFrame("the signer closed the connection")
            return reply_of(document)
        finally:
            writer.close()
