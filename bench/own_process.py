"""Importing this sets Django up in the process at hand, with settings that nobody else has anything to do with.

The database is DATABASE_URL, or a SQLite file that goes when the process ends.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import django
from cryptography.fernet import Fernet

if "DATABASE_URL" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="gatehouse-bench-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["DATABASE_URL"] = f"sqlite:///{Path(_folder) / 'bench.sqlite3'}"
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
django.setup()
