"""Notices: what users are told, live. REST is the truth; a notice only says that something changed."""
