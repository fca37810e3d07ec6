"""Signing: typed messages and the only door to the signer. Keys live in the signer process alone."""
