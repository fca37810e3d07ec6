"""Treasury: what the house can pay with, what a payout costs, and how it is built, signed and sent exactly once."""
