"""Asks the server of this machine whether it lives: `python -m portal.healthcheck [HOST:PORT]`, for containers.

It asks in the name of PUBLIC_URL, because no other host is answered. Exit status 0 or 1.
"""

import argparse
import http.client
import sys
from urllib.parse import urlsplit

from portal import settings
from portal.environment import host_and_port

TIMEOUT = 4


def main() -> int:
    """Ask once, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m portal.healthcheck", description=__doc__)
    parser.add_argument(
        "at", type=host_and_port, nargs="?", default=("127.0.0.1", 8000), metavar="HOST:PORT", help="where it listens"
    )
    host, port = parser.parse_args().at
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(settings.PUBLIC_URL).netloc})
        status = connection.getresponse().status
    except OSError as error:
        sys.stdout.write(f"{host}:{port} does not answer: {error.strerror or type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{host}:{port} answers {status}\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
