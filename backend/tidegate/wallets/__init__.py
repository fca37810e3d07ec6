"""Wallets: balances, deposit addresses, deposits, saved destinations."""
