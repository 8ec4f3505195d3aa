"""The demo's entry point: `gunicorn --workers 1 --threads 8 tests.entra_tenant.wsgi:application`.

One worker, because codes and sessions are kept in memory.
"""

from __future__ import annotations

import os
from pathlib import Path

from . import state
from .app import wsgi_app

VARIABLE = "PRACTICE_TENANT_STATE"

if not os.environ.get(VARIABLE):
    raise SystemExit(f"{VARIABLE} must name the file that `python -m tests.entra_tenant init --state PATH` wrote")

application = wsgi_app(state.load(Path(os.environ[VARIABLE])))
