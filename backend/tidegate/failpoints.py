"""Named places where a test may kill the process. Costs one comparison when nothing is armed.

Armed by a file (sandbox only): its content is the name of a failpoint; the process that reaches it removes the file and
dies by SIGKILL, as a machine would that loses its power just there.
"""

import os
import signal
from pathlib import Path

_armed: Path | None = None


def arm_by(path: Path | None) -> None:
    """Where to look for the name of an armed failpoint; None switches all of them off."""
    global _armed
    _armed = path


def reach(name: str) -> None:
    """Die here if `name`, or `*`, is armed."""
    if _armed is None:
        return
    try:
        wanted = _armed.read_text().strip()
    except OSError:
        return
    if wanted in (name, "*"):
        _armed.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)
