"""Venues: one port, one adapter per exchange. No database here."""
