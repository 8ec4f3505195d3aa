"""Prints how Gatehouse opens its database, for the rivals to do the same: `python -m bench.database_settings`."""

import json
import sys

import django
from django.conf import settings

SHARED = ("OPTIONS", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")

if __name__ == "__main__":
    django.setup()
    json.dump({name: settings.DATABASES["default"][name] for name in SHARED}, sys.stdout)
