"""Transactions: withdrawals from request to settlement, the one history, the books audit."""
