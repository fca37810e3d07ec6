"""The sandbox's API process: the product's app with the sandbox's routes beside it. Also writes the OpenAPI document."""

import argparse
import json
import time
from pathlib import Path

from tidegate.api import ROUTERS, create_app, serve
from tidegate.config import Settings, load
from tidegate.sandbox.routes import router


def document() -> str:
    """The OpenAPI document of everything the sandbox serves, stable byte for byte."""
    settings = Settings.model_validate({"mode": "sandbox"})
    return (
        json.dumps(create_app(settings, extra=[router]).openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidegate.sandbox.api")
    parser.add_argument("--routers", default="", help="comma-separated; all when left out")
    parser.add_argument("--openapi", type=Path, help="write the document there and end")
    parser.add_argument("--after", type=Path, help="serve only once this file is there")
    given = parser.parse_args()
    if given.openapi is not None:
        given.openapi.parent.mkdir(parents=True, exist_ok=True)
        given.openapi.write_text(document())
        return
    # The imports are done by now: they overlap with the migration that the file stands for.
    while given.after is not None and not given.after.is_file():
        time.sleep(0.05)
    serve(load(), given.routers.split(",") if given.routers else tuple(ROUTERS), extra=[router])


if __name__ == "__main__":
    main()
