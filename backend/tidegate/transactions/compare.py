"""The signer remembers what it signed. Books that do not know of it are older than its journal, as after a database was
restored from a backup: nothing is paid and nothing moved until a person has compared (chains.md section 4).
"""

from collections.abc import Sequence

import structlog

from tidegate.compliance import pause
from tidegate.compliance import rules as policy
from tidegate.database import Database
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Failed, Known
from tidegate.transactions.together import WORKER
from tidegate.treasury import underway

log = structlog.get_logger(__name__)


async def unknown(db: Database, signer: SignerDoor, networks: Sequence[str]) -> list[Known] | Failed:
    """What the signer signed lately and our books do not know, oldest first; Failed when the signer cannot be asked."""
    told = await signer.signed_lately()
    if isinstance(told, Failed):
        return told
    async with db.reading() as session:
        return await underway.unknown(session, networks, told.transactions)


async def compare(db: Database, signer: SignerDoor, networks: Sequence[str]) -> int:
    """Pause everything when the signer knows more than our books; how many transactions more. 0 while it cannot be asked.

    The pause ends by a person's `resume`, and comes back until the signer's owner has said that all is compared.
    """
    found = await unknown(db, signer, networks)
    if isinstance(found, Failed) or not found:
        return 0
    async with db.reading() as session:
        stands = any(one.asset == policy.EVERYTHING for one in await pause.standing(session))
    if not stands:
        await pause.pause(db, asset=policy.EVERYTHING, by=WORKER, reason=sentence(found))
        log.error("books_older_than_the_signer", transactions=[one.txid for one in found])
    return len(found)


def sentence(found: Sequence[Known]) -> str:
    """What a person is told of it."""
    one = "1 transaction" if len(found) == 1 else f"{len(found)} transactions"
    return f"The signer signed {one} that the books do not know: compare them (`tidegate treasury compare`)."
