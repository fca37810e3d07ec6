"""Alembic's configuration, found whether we run from a checkout or from an installed wheel."""

from pathlib import Path

from alembic.config import Config


def config(url: str) -> Config:
    """For `alembic.command`; `url` is SQLAlchemy's."""
    root = Path(__file__).resolve().parents[2]
    found = Config(str(root / "alembic.ini"))
    found.set_main_option("script_location", str(root / "migrations"))
    found.attributes["url"] = url
    return found
