"""Several requests of one piece of work end by one deadline, and so does waiting for another thread's request."""

import time
from threading import Event, Thread
from typing import Any

from idp.protocol.budget import BUDGET
from idp.protocol.jwks import JwksCache
from tests.idp.protocol.support import jwk_of, refused, reply


def test_requests_within_a_block_share_its_deadline(peer: Any) -> None:
    server = peer({"a": 1})
    client = server.client(total_timeout=30)
    begun = time.monotonic()
    with BUDGET.shared(5):
        entered = time.monotonic()
        for _ in range(2):
            client.get_json(server.origin)
            assert begun + 5 <= BUDGET.ends_at <= entered + 5
    client.get_json(server.origin)
    assert BUDGET.ends_at >= begun + 30


def test_a_request_after_the_shared_deadline_is_refused_unsent(peer: Any) -> None:
    server = peer({"a": 1})
    with BUDGET.shared(-1), refused("idp.http.timeout"):
        server.client().get_json(server.origin)
    assert server.requests == []


def test_another_threads_fetch_is_not_waited_for_past_the_deadline(peer: Any, rsa_key: Any) -> None:
    asked, answer = Event(), Event()

    def respond(_request: Any, _conn: Any) -> bytes:
        asked.set()
        answer.wait(timeout=20)
        return reply({"keys": [jwk_of(rsa_key, "k1")]})

    server = peer(respond)
    keys = JwksCache(server.client(total_timeout=30, read_timeout=30))
    found: list[Any] = []
    fetching = Thread(target=lambda: found.append(keys.signing_key(server.origin, kid="k1", algorithm="RS256")))
    fetching.start()
    assert asked.wait(timeout=20)
    with BUDGET.shared(0.05), refused("idp.http.timeout"):
        keys.signing_key(server.origin, kid="k1", algorithm="RS256")
    answer.set()
    fetching.join(timeout=20)
    assert [key.kid for key in found] == ["k1"]
    # Whoever comes after the fetch finds its keys, and has not asked again.
    with BUDGET.shared(5):
        assert keys.signing_key(server.origin, kid="k1", algorithm="RS256") is found[0]
    assert len(server.requests) == 1
