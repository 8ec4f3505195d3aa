"""The web: settings, URLs, middleware, the Admin Portal and the User Portal."""

__version__ = "0.1.0"
