#!/usr/bin/env python
"""The operator's door: `manage.py help` lists the commands."""

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from portal import __version__

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:] in (["version"], ["--version"]):
        # Django would print its own alone. Answered without the settings: also where those are wrong.
        sys.stdout.write(f"Gatehouse {__version__} (Django {django.get_version()})\n")
    else:
        try:
            # Asked for first: Django's own commands go on without settings, and then say that others do not exist.
            settings.INSTALLED_APPS  # noqa: B018
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
