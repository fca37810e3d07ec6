"""`python -m tidegate.signer [run|init|words]`."""

import sys

from tidegate import config
from tidegate.signer.server import init, run, words


def main(arguments: list[str]) -> int:
    """Do what the one argument says, `run` without one. Returns the exit status."""
    verb = arguments[0] if arguments else "run"
    settings = config.load()
    if verb == "run":
        run(settings)
    elif verb == "init":
        made = init(settings)
        sys.stdout.write(
            "The seed is made and sealed.\n" if made else "There is a seed already; nothing was changed.\n"
        )
    elif verb == "words":
        sys.stdout.write(words(settings) + "\n")
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
