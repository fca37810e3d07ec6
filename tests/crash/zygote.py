"""Starts `tidegate api` processes quickly: everything is imported once, each process is a fork that then serves.

`python -m tests.crash.zygote LOG`, a line of input each: `start` answers with a process id, `kill` ends that process by
SIGKILL and answers when it is gone. A process is what `tidegate api` is from its settings on. It dies with its parent.
"""

import ctypes
import os
import signal
import sys

import uvicorn  # noqa: F401  what `serve` imports, once

from tidegate.api import serve
from tidegate.config import load

_PR_SET_PDEATHSIG = 1


def start(log: str) -> int:
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        serve(load())
    finally:
        os._exit(1)


def main(log: str) -> None:
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = start(log)
            print(child, flush=True)
        else:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
