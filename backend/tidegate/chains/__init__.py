"""Chains: one port, one driver per family of chains. No database here."""
