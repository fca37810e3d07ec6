"""Named places where a test may kill the process. Costs one comparison when nothing is armed.

Armed by a file (sandbox only): its content is the name of a failpoint and, if it is not the first time that counts, the
number of the time that does. The process that reaches it removes the file and dies by SIGKILL, as a machine would that
loses its power just there.

A name is a point of the crash table (P1 to P16 of a withdrawal, O1 to O8 of a conversion and its hedge; M and V are moves
of the house's own money), a step, and on which side of its commit or outside call the process dies.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_armed: Path | None = None

Part = Literal["api", "worker", "signer"]


@dataclass(frozen=True, slots=True)
class Failpoint:
    """`part`: the process that dies there. `then`: what is true of it at that moment."""

    name: str
    part: Part
    then: str

    @property
    def point(self) -> str:
        """The row of the crash table."""
        return self.name.partition(".")[0]


POINTS = {
    one.name: one
    for one in (
        Failpoint("P1.request:before", "api", "nothing is committed of the request"),
        Failpoint("P2.request:after", "api", "request, hold, quote and key are committed, nobody has heard"),
        Failpoint("P3.factor:before", "api", "the challenge waits; the code is not looked at"),
        Failpoint("P3.factor:after", "api", "the code is right, its use is not written down"),
        Failpoint("P4.verify:before", "api", "everything is checked, the authorisation is not committed"),
        Failpoint(
            "P5.verify:after", "api", "the authorisation and the conversion's orders are committed, nobody has heard"
        ),
        Failpoint("P5.cancel:before", "api", "the refund is not committed"),
        Failpoint("P5.cancel:after", "api", "the refund is committed, nobody has heard"),
        Failpoint("P6.screen:before", "worker", "leased for screening, the node is not asked"),
        Failpoint("P6.screen:after", "worker", "the node has answered, no verdict is written"),
        Failpoint("P6.verdict:after", "worker", "the verdict is committed"),
        Failpoint("P7.approval:before", "api", "a person said yes, it is not committed"),
        Failpoint("P7.approval:after", "api", "the yes is committed, the person has not heard"),
        Failpoint("P7.approved:before", "worker", "the yes is read, the withdrawal still waits"),
        Failpoint("P7.approved:after", "worker", "the approved one is queued"),
        Failpoint("P8.claim:before", "worker", "queued, and nobody's"),
        Failpoint("P8.claim:after", "worker", "leased under a fence, nothing is reserved"),
        Failpoint("P9.reserve:before", "worker", "coins or nonce are chosen, not committed"),
        Failpoint("P9.reserve:after", "worker", "coins or nonce are this payout's, nothing is signed"),
        Failpoint("P10.ask:before", "worker", "it may be signed from here on, the signer is not asked"),
        Failpoint("P10.ask:after", "worker", "the signer has answered, nothing of the answer is kept"),
        Failpoint("P11.journal:before", "signer", "signed in memory, nothing is journalled"),
        Failpoint("P11.journal:after", "signer", "journalled, the answer is not sent"),
        Failpoint("P12.store:before", "worker", "the answer is judged, the bytes are not stored"),
        Failpoint("P12.store:after", "worker", "the bytes are stored, not sent"),
        Failpoint("P13.send:before", "worker", "the bytes are about to leave"),
        Failpoint("P13.send:after", "worker", "a node has the bytes, nothing of it is recorded"),
        Failpoint("P13.record:after", "worker", "it is recorded as sent"),
        Failpoint("P14.seen:before", "worker", "a node shows it unmined, that is not recorded"),
        Failpoint("P14.seen:after", "worker", "that a node shows it is recorded"),
        Failpoint("P14.build:before", "worker", "a dearer one is thought out, not committed"),
        Failpoint("P14.build:after", "worker", "a dearer one is in its set, not signed"),
        Failpoint("P14.ask:before", "worker", "the signer is about to be asked for the dearer one"),
        Failpoint("P14.ask:after", "worker", "the dearer one is signed, nothing of it is kept"),
        Failpoint("P14.store:after", "worker", "the dearer one's bytes are stored, not sent"),
        Failpoint("P14.send:before", "worker", "the dearer one is about to leave"),
        Failpoint("P14.send:after", "worker", "a node has the dearer one, nothing of it is recorded"),
        Failpoint("P15.depth:before", "worker", "it is in a block, its depth is not recorded"),
        Failpoint("P15.depth:after", "worker", "its depth is recorded"),
        Failpoint("P15.book:before", "worker", "deep enough, its fee is not booked"),
        Failpoint("P15.book:after", "worker", "its fee is booked, no payout is settled"),
        Failpoint("P16.settle:before", "worker", "a payout is about to be settled"),
        Failpoint("P16.settle:after", "worker", "the payout and its event are committed, no webhook is sent"),
        Failpoint("P16.webhook:before", "worker", "the message is on disk, not sent"),
        Failpoint("P16.webhook:after", "worker", "the receiver has the message, its answer is not recorded"),
        Failpoint("P16.told:after", "worker", "the receiver's answer is recorded"),
        Failpoint("O1.convert:before", "api", "nothing is committed of the conversion"),
        Failpoint("O2.convert:after", "api", "quote, hold, execution and orders are committed, nobody has heard"),
        Failpoint("O3.order:before", "worker", "the client order id is committed, the order is not marked as sent"),
        Failpoint("O4.place:before", "worker", "marked as sent, not sent"),
        Failpoint("O4.place:after", "worker", "the exchange has answered, nothing of it is kept"),
        Failpoint("O5.unknown:before", "worker", "no answer came, that is not recorded"),
        Failpoint("O5.unknown:after", "worker", "it is recorded as unknown"),
        Failpoint("O5.find:before", "worker", "it may be at the exchange, which is not asked yet"),
        Failpoint("O5.find:after", "worker", "the exchange said what became of it, nothing of it is kept"),
        Failpoint("O6.fills:before", "worker", "it is known what was filled, no fill is read"),
        Failpoint("O6.fill:before", "worker", "a fill is read, not booked"),
        Failpoint("O6.fill:after", "worker", "one fill is booked, perhaps not the others"),
        Failpoint("O7.end:before", "worker", "all fills are booked, the order is not ended"),
        Failpoint("O7.end:after", "worker", "the order is ended"),
        Failpoint("O8.rest:before", "worker", "what it left is shared out anew, not committed"),
        Failpoint("O8.rest:after", "worker", "the orders for what it left are committed"),
        Failpoint("M.ask:after", "worker", "a move of the house is signed, nothing of it is kept"),
        Failpoint("M.store:after", "worker", "a move's bytes are stored, not sent"),
        Failpoint("M.send:after", "worker", "a node has the move, nothing of it is recorded"),
        Failpoint("V.ask:before", "worker", "marked as asked for at the exchange, not asked"),
        Failpoint("V.ask:after", "worker", "the exchange has answered, nothing of it is kept"),
        Failpoint("V.left:after", "worker", "it is booked as having left the exchange"),
        Failpoint("V.arrival:before", "worker", "it lies deep in the hot wallet, not booked"),
        Failpoint("V.arrival:after", "worker", "its arrival is booked"),
    )
}
"""Every name that `reach` is called with, in the order in which a payment comes to them."""


def arm_by(path: Path | None) -> None:
    """Where to look for the name of an armed failpoint; None switches all of them off."""
    global _armed
    _armed = path


def reach(name: str) -> None:
    """Die here if `name`, or `*`, is armed."""
    if _armed is None:
        return
    try:
        wanted, _, times = _armed.read_text().strip().partition(" ")
    except OSError:
        return
    if wanted not in (name, "*"):
        return
    if times and int(times) > 1:
        _armed.write_text(f"{wanted} {int(times) - 1}")
        return
    _armed.unlink(missing_ok=True)
    os.kill(os.getpid(), signal.SIGKILL)
