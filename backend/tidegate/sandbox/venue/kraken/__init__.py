"""Kraken Spot's REST protocol, written from its documents."""
