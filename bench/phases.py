"""The three requests of a complete sign-in that a contestant answers."""

PHASES = ("start", "callback", "landing")
