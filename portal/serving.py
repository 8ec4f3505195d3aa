"""How the production server is set up: `gunicorn -c python:portal.serving portal.wsgi:application`.

`manage.py run`, the systemd unit, the container and the tests all start it so; what differs, such as `--bind`, stands
on the command line and wins over what stands here. https://docs.gunicorn.org/en/stable/settings.html names each option.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from portal.graceful import Worker, announce_the_end
from portal.log_lines import configuration

SHOWN = """
import json, sys
from django.core.exceptions import ImproperlyConfigured
try:
    from portal.settings import *
except ImproperlyConfigured as error:
    sys.exit(print(error, file=sys.stderr) or 2)
print(json.dumps([WORKERS, THREADS, DRAIN_SECONDS, LOG_FORMAT, LOG_LEVEL]))
"""


def _chosen() -> tuple[int, int, int, str, str]:
    """Return WORKERS, THREADS, DRAIN_SECONDS, LOG_FORMAT and LOG_LEVEL.

    The settings are read in a process of their own: what this one has loaded, the environment of a `.env` included,
    would be handed on to every process that it starts, and a reload would still have the old code and settings.
    """
    command = [sys.executable, "-c", SHOWN]
    read = subprocess.run(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)  # noqa: S603
    if read.returncode:
        sys.exit(read.returncode)  # it has said why
    processes, threads_of_each, seconds, form, level = json.loads(read.stdout)
    return processes, threads_of_each, seconds, form, level


workers, threads, _drain_seconds, _form, _level = _chosen()
worker_class = Worker
# A worker whose main loop shows no sign of life for so long is killed. A slow request alone does not stop that loop.
timeout = 60
# How long requests under way may take to end after SIGTERM; longer than a sign-in waits for a slow provider.
graceful_timeout = 30
# Longer than a proxy keeps idle connections (60 s in deploy/nginx): the side that sends must be the one that closes.
keepalive = 75
# What a request may weigh before its body. A provider's answer comes in the address, and some codes are long.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
loglevel = "warning"
# The lines of the process that starts the others. Those have the portal's own configuration from the settings, which
# writes down requests as well: this server's access log stays off.
logconfig_dict = configuration(_form, _level)
# gunicorn would believe X-Forwarded-* of every client on this machine. TRUSTED_PROXIES alone decides that.
# Whoever comes through a Unix socket it believes in any case: so no header tells it a scheme or a path.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# It would lie in the home directory, one for all servers of this user, and nothing here speaks to it.
control_socket_disable = True
# Signs of life are written to a file; on a disk that is busy they would come late.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  (a file system in memory)


def when_ready(server: Any) -> None:
    """Take over SIGTERM, which gunicorn has set up by then."""
    announce_the_end(server, _drain_seconds)
