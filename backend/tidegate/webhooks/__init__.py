"""Webhooks: what changed in an account, told to the servers of its owner. REST is the truth; a webhook is a hint."""
