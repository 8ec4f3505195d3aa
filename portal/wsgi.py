"""The WSGI application that a production server such as gunicorn loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()

from portal import metrics  # noqa: E402  (it needs the models, which are there now)

metrics.start_sharing()
