"""nginx in front of one or two instances, with everything of its own in one directory.

When another instance is tried, and what a visitor sees where none answers, is read from the file that is shipped.
"""

import os
import re
from pathlib import Path

from tests.servers import find

SHIPPED = (Path(__file__).parents[2] / "deploy" / "nginx" / "gatehouse.conf").read_text()
# How long one instance is waited for, and when the other one is asked.
RETRIES = "\n".join(
    re.findall(r"^ *((?:proxy_next_upstream|proxy_(?:connect|send|read)_timeout)[^;#]*;)", SHIPPED, re.M)
)
# Of the upstream with several servers.
(FAILS,) = set(re.findall(r"# +server [\d.:]+ (max_fails=[^;]+);", SHIPPED))
# From `error_page` to the end of the place that it names, which is the last of its server.
(AWAY,) = re.findall(r"^ *(error_page .*\n    \})\n\}", SHIPPED, re.M | re.S)

# The first word of `map` says at which instance a browser begins; its answer from the provider goes to the other one.
CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-errors.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;

    upstream one {{ server 127.0.0.1:{one} {fails}; server 127.0.0.1:{two} {fails} backup; }}
    upstream two {{ server 127.0.0.1:{two} {fails}; server 127.0.0.1:{one} {fails} backup; }}
    split_clients $remote_addr $begins_at {{ 50% one; * two; }}
    map $begins_at:$uri $instance {{
        ~^one:/oauth/callback/ two;
        ~^two:/oauth/callback/ one;
        ~^two:                 two;
        default                one;
    }}

    server {{
        listen 127.0.0.1:{port};
        {retries}
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        add_header X-Served-By $upstream_addr always;
        location / {{ proxy_pass http://$instance; }}
        {away}
    }}
}}
"""


def nginx_command(directory: Path, *, port: int, instances: tuple[int, int]) -> list[str]:
    """Write the configuration, and return the command that runs nginx with it in the foreground.

    Args:
        directory: for everything that it writes.
        instances: the ports behind it; twice the same for one alone.
    """
    nginx = find("nginx") or "nginx"
    # Its processes may not lose the right to what is in the directory.
    user = "user root;" if os.geteuid() == 0 else ""
    one, two = instances
    # An instance that fails is left alone for a second, and the other one takes over. One alone is asked all the same.
    fails = FAILS if one != two else "max_fails=0"
    file = directory / "nginx.conf"
    given = {"directory": directory, "user": user, "port": port, "one": one, "two": two, "fails": fails}
    file.write_text(CONFIGURATION.format(**given, retries=RETRIES, away=AWAY))
    return [nginx, "-p", str(directory), "-e", str(directory / "nginx-errors.log"), "-c", str(file)]
