"""Where the harness's processes are born: everything is imported once, and each of them is a fork that then serves.

`python -m tests.crash.nursery`. A line of JSON each: `{"start": {...}}` answers with a process id, `{"wait": pid}` with how
that one ended. A process is what `tidegate api`, `tidegate worker` or `tidegate signer` is from its settings on, broken on
purpose as broken.py has it when `broken` names something there. All of them die with this one.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import traceback

import uvicorn  # noqa: F401  what `serve` imports, once

from tidegate import worker
from tidegate.api import serve
from tidegate.config import load

_PR_SET_PDEATHSIG = 1


def born(kind: str, config: str, log: str, steps: str, broken: str) -> int:
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ["TIDEGATE_CONFIG"] = config
    try:
        if broken:
            getattr(importlib.import_module("tests.crash.broken"), broken)()
        if kind == "api":
            serve(load())
        elif kind == "signer":
            importlib.import_module("tidegate.signer.server").run(load())
        else:
            worker.main(load(), steps.split(","))
    except BaseException:  # noqa: BLE001  whatever it was is said before it ends
        traceback.print_exc()
    finally:
        os._exit(1)


def main() -> None:
    importlib.import_module("tidegate.signer.server")
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            found = born(**asked["start"])
        else:
            _, status = os.waitpid(asked["wait"], 0)
            found = os.waitstatus_to_exitcode(status)
        print(found, flush=True)


if __name__ == "__main__":
    main()
