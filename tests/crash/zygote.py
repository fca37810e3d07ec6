"""Starts processes of ours quickly: everything is imported once, each process is a fork that then serves.

`python -m tests.crash.zygote PART LOG [STEPS]`, PART being `api` or `worker`. A line of input each: `start` answers with
a process id, `kill` ends that process by SIGKILL, `wait` lets it end by itself; both answer with how it ended. A process
is what `tidegate api` or `tidegate worker` is from its settings on. It dies with its parent.
"""

import ctypes
import os
import signal
import sys
import traceback

import uvicorn  # noqa: F401  what `serve` imports, once

from tidegate import worker
from tidegate.api import serve
from tidegate.config import load

_PR_SET_PDEATHSIG = 1


def start(part: str, log: str, steps: str) -> int:
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
        if part == "api":
            serve(load())
        else:
            worker.main(load(), steps.split(","))
    except BaseException:  # noqa: BLE001  whatever it was is said before it ends
        traceback.print_exc()
    finally:
        os._exit(1)


def main(part: str, log: str, steps: str = "") -> None:
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = start(part, log, steps)
            print(child, flush=True)
            continue
        if line == "kill\n":
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
