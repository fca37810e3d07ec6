"""Coinbase Advanced Trade, and the part of the older v2 about addresses and sends, written from their documents."""
