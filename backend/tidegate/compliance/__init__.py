"""Compliance: limits, screening, approvals, pauses. Lists and rules are data."""
