"""Talking to the daemon: one connection, the files it hands over, and a session that outlives connections."""
