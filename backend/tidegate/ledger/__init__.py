"""The ledger: double entry, append-only, one writer. Money moves here or it does not move."""
