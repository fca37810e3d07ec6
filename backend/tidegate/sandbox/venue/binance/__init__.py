"""Binance Spot's REST protocol (and the part of /sapi about deposits and withdrawals), written from its documents."""
