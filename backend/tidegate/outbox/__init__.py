"""The outbox: one event row for each change a user may want to hear of, written in the commit of the change itself."""
