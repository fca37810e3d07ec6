"""`python -m tidegate.signer VERB`: run (the default), init, words, backup FILE, verify FILE, rotate, freeze REASON,
unfreeze, accept, compared REASON, release PAYOUT --dead TRANSACTION…. `--passphrase-file FILE` names the copy's passphrase (backup, verify) or the new one (rotate).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tidegate import config
from tidegate.signer import care
from tidegate.signer.home import init, words
from tidegate.signer.journal import JournalBroken
from tidegate.signer.keys import WrongPassphrase
from tidegate.signer.server import run


def main(arguments: list[str]) -> int:
    """Do what the verb says. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tidegate signer", description=__doc__)
    parser.add_argument("verb", nargs="?", default="run", choices=["run", *_VERBS])
    parser.add_argument("subject", nargs="?", default="")
    parser.add_argument("--passphrase-file", type=Path)
    parser.add_argument("--dead", action="append", default=[])
    asked = parser.parse_args(arguments)
    settings = config.load()
    if asked.verb == "run":
        run(settings)
        return 0
    if asked.verb in ("backup", "verify", "freeze", "compared", "release") and not asked.subject:
        parser.error(f"{asked.verb} needs a file, a reason or a payout")
    try:
        sys.stdout.write(_VERBS[asked.verb](settings, asked) + "\n")
    except (WrongPassphrase, JournalBroken, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _init(settings: config.Settings, _: argparse.Namespace) -> str:
    return "The seed is made and sealed." if init(settings) else "There is a seed already; nothing was changed."


_VERBS: dict[str, Callable[[config.Settings, argparse.Namespace], str]] = {
    "init": _init,
    "words": lambda settings, _: words(settings),
    "backup": lambda settings, asked: care.backup(settings, Path(asked.subject), asked.passphrase_file),
    "verify": lambda settings, asked: care.verify(settings, Path(asked.subject), asked.passphrase_file),
    "rotate": lambda settings, asked: care.rotate(settings, asked.passphrase_file),
    "freeze": lambda settings, asked: care.freeze(settings, asked.subject),
    "unfreeze": lambda settings, _: care.unfreeze(settings),
    "release": lambda settings, asked: care.release(settings, asked.subject, asked.dead),
    "compared": lambda settings, asked: care.compared(settings, asked.subject),
    "accept": lambda settings, _: care.accept_journal(settings),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
