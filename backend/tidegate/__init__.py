"""Tidegate: hold, exchange and pay out cryptocurrency, safely."""

__version__ = "0.1.0"
