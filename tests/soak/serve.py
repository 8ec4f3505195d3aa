"""`python -m tests.soak.serve PORT PROCESSES`: one instance of Gatehouse, served as `manage.py run` serves it."""

import os
import sys

import django

django.setup()

# What follows needs the settings.
from portal.management.commands.run import gunicorn_command  # noqa: E402

if __name__ == "__main__":
    command = gunicorn_command("portal.wsgi:application", f"127.0.0.1:{sys.argv[1]}", workers=int(sys.argv[2]))
    # Instances of one user on one machine would share gunicorn's control socket.
    command.append("--no-control-socket")
    os.execv(command[0], command)  # noqa: S606  (our own interpreter and arguments)
