"""The benchmark: complete sign-ins of Gatehouse beside stock mozilla-django-oidc. `make bench`; docs/performance.md."""
