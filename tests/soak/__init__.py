"""The soak: complete sign-ins, many at once, at real servers that are killed, stopped and restarted meanwhile."""
