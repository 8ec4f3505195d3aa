"""One kind of request, many at once, while the meters run: `python -m bench.process_load` with a job as JSON."""

import itertools
import json
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from bench.load import Browser, Job, described, in_threads
from bench.meters import Meters
from bench.people import PEOPLE
from bench.registration import ADMINISTRATOR, ADMINISTRATOR_PASSWORD
from bench.wire import BrokenSignIn, Connection

CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
USERS = "/admin/user-management/users/"
# What one visit is, and how many requests to Gatehouse it takes.
KINDS = {"complete sign-in": 3, "portal home": 1, "users list": 1}


@dataclass
class Result:
    """What came of it: the seconds of each visit, and what the machine did meanwhile."""

    elapsed: float
    visits: list[float]
    readings: dict[str, Any] | None
    failure: str = ""


class Visitor:
    """One browser that does the same again and again."""

    def __init__(self, kind: str, job: Job, admin_cookies: dict[str, str]) -> None:
        self.kind, self.browser, self.cookies = kind, Browser(job, None), admin_cookies

    def visit(self, number: int) -> float:
        """Do it once, and return how long that took."""
        if self.kind == "complete sign-in":
            return self.browser.sign_in(number)
        person = PEOPLE[number % len(PEOPLE)]
        if self.kind == "portal home" and not self.cookies:
            self.browser.sign_in(number)
            self.cookies, self.person = self.browser.cookies, person
        begun = time.perf_counter()
        answer = self.browser.portal.get("/" if self.kind == "portal home" else USERS, self.cookies)
        took = time.perf_counter() - begun
        shown = self.person.is_on(answer.body) if self.kind == "portal home" else b"data-select-row=" in answer.body
        if answer.status != 200 or not shown:
            raise BrokenSignIn(f"{self.kind}: {described(answer)}")
        return took


def administrator_cookies(origin: str) -> dict[str, str]:
    """Sign the administrator in, and return the cookies that this gave."""
    connection, address = Connection(origin), "/admin/login/"
    page = connection.get(address, {})
    found = CSRF.search(page.body)
    token = found[1].decode() if found else ""
    form = {"csrfmiddlewaretoken": token, "email": ADMINISTRATOR, "password": ADMINISTRATOR_PASSWORD}
    body = urlencode(form).encode()
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    head = f"POST {address} HTTP/1.1\r\nHost: {connection.host}\r\nCookie: {cookie}\r\nContent-Length: {len(body)}\r\n"
    answer = connection.exchange(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
    connection.close()
    if answer.status != 302:
        raise BrokenSignIn(f"the administrator's sign-in: {described(answer)}")
    return page.cookies | answer.cookies


def run(kind: str, job: Job, meters: Meters) -> Result:
    """Let all browsers do it until the time is over; each does it once before the clock and the meters start."""
    cookies = administrator_cookies(job.origin) if kind == "users list" else {}
    result, numbers = Result(0.0, [], None), itertools.count()
    begun = 0.0

    def begin() -> None:
        nonlocal begun
        begun = time.perf_counter()
        meters.start()

    everyone = threading.Barrier(job.concurrency, action=begin)

    def browse() -> None:
        visitor = Visitor(kind, job, dict(cookies))
        try:
            visitor.visit(next(numbers))
            everyone.wait()
            while not result.failure and time.perf_counter() - begun < job.seconds:
                result.visits.append(visitor.visit(next(numbers)))
        except threading.BrokenBarrierError:
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, the others must not wait for this browser)
            result.failure = result.failure or f"{type(error).__name__}: {error}"
            everyone.abort()
        finally:
            visitor.browser.close()

    in_threads(browse, job.concurrency)
    result.elapsed = time.perf_counter() - begun
    result.readings = asdict(meters.stop()) if begun else None
    return result


def measured(job: dict[str, Any]) -> Result:
    """Do what a job says."""
    meters = Meters(job["load"]["server_pid"], job["provider_pid"], job["database_url"])
    return run(job["kind"], Job(**job["load"]), meters)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measured(json.load(sys.stdin)))))
