"""A plain mozilla-django-oidc project, as that library's documentation tells."""
