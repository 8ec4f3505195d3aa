"""The key set's cache, over real sockets, with a clock of the test's own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from jwt.algorithms import RSAAlgorithm

from idp.protocol.jwks import JwksCache
from tests.idp.protocol.support import jwk_of, refused, reply


class Keys:
    """A provider's key set that a test changes, and its cache."""

    def __init__(self, peer, *keys):
        self.body = {"keys": list(keys)}
        self.status = 200
        self.headers = {}
        self.now = 1000.0
        self.server = peer(lambda _r, _c: reply(self.body, self.status, self.headers))
        self.cache = JwksCache(self.server.client(), clock=lambda: self.now)

    def find(self, kid="k1", algorithm="RS256", **options):
        return self.cache.signing_key(self.server.origin + "/keys", kid=kid, algorithm=algorithm, **options)

    @property
    def fetches(self):
        return len(self.server.requests)


@pytest.fixture
def keys(peer, rsa_key):
    return Keys(peer, jwk_of(rsa_key, "k1", use="sig"))


def test_it_fetches_once_and_keeps_the_key_issuer(peer, rsa_key):
    keys = Keys(peer, jwk_of(rsa_key, "k1", issuer="https://login.microsoftonline.com/{tenantid}/v2.0"))
    assert keys.find().issuer == "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert keys.find() is keys.find()
    assert keys.fetches == 1


def test_a_key_without_alg_takes_the_tokens_algorithm(keys):
    assert keys.find(algorithm="PS384").algorithm == "PS384"
    assert keys.find(algorithm="RS384").key.key_size == 2048


@pytest.mark.parametrize(("cache_control", "after", "fetches"), [
    ("max-age=86400, private", 3599, 1), ("max-age=86400, private", 3601, 2), ("no-store", 3601, 2),
    ("max-age=0", 299, 1), ("max-age=0", 301, 2), ("max-age=1200", 1201, 2), ("max-age=junk", 3599, 1),
])  # fmt: skip
def test_it_refreshes_hourly_within_cache_control(keys, cache_control, after, fetches):
    keys.headers = {"Cache-Control": cache_control}
    keys.find()
    keys.now += after
    keys.find()
    assert keys.fetches == fetches


def test_the_last_good_set_serves_while_the_provider_fails(keys):
    good = keys.find()
    keys.status = 500
    for hours in (1.1, 12, 23.9):
        keys.now = 1000 + hours * 3600
        assert keys.find() is good
    keys.now += 600
    with refused("idp.jwks.unavailable"):
        keys.find()


def test_a_failing_provider_is_asked_once_a_minute(keys):
    keys.find()
    keys.status = 500
    keys.now += 3601
    for _ in range(5):
        keys.find()
    assert keys.fetches == 2
    keys.now += 61
    keys.find()
    assert keys.fetches == 3


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"keys": 7}', b'{"keys": []}', b"{}"])
def test_a_broken_set_does_not_replace_a_good_one(keys, body):
    good = keys.find()
    keys.body = body
    keys.now += 3601
    assert keys.find() is good


def test_rotation_costs_one_refetch(keys, other_rsa_key):
    keys.find()
    keys.body = {"keys": [jwk_of(other_rsa_key, "k2")]}
    assert keys.find("k2").kid == "k2"
    assert keys.fetches == 2


def test_a_storm_of_unknown_keys_costs_one_refetch_per_window(keys):
    keys.find()
    for window in (1, 2):
        for number in range(5):
            with refused("idp.token.key_unknown"):
                keys.find(f"invented-{number}")
        assert keys.fetches == 1 + window
        keys.now += 31


def test_a_refetch_that_failed_is_tried_again_within_seconds(keys, other_rsa_key):
    keys.find()
    keys.body, keys.status = {"keys": [jwk_of(other_rsa_key, "k2")]}, 500
    for fetches in (2, 3):
        for _ in range(5):
            with refused("idp.token.key_unknown"):
                keys.find("k2")
        assert keys.fetches == fetches
        keys.now += 2.1
    keys.status = 200
    assert keys.find("k2").kid == "k2" and keys.fetches == 4
    # Once it has worked, invented keys cost one per window again.
    for _ in range(5):
        keys.now += 2.1
        with refused("idp.token.key_unknown"):
            keys.find("invented")
    assert keys.fetches == 4


def test_many_threads_on_a_cold_cache_make_one_fetch(keys):
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: keys.find(), range(64)))
    assert len({id(key) for key in found}) <= 16
    assert keys.fetches == 1


def test_waiting_threads_share_a_failure(peer):
    waiting = threading.Semaphore(0)
    go_on = threading.Event()
    server = peer(lambda _r, _c: go_on.wait(5) and reply({}, 500))

    def clock():
        waiting.release()  # each look-up reads the clock once before it fetches or waits for who fetches
        return 0.0

    cache = JwksCache(server.client(), clock=clock)

    def attempt():
        with refused("idp.jwks.unavailable"):
            cache.signing_key(server.origin, kid="k1", algorithm="RS256")

    with ThreadPoolExecutor(8) as pool:
        attempts = [pool.submit(attempt) for _ in range(8)]
        for _ in attempts:
            waiting.acquire(timeout=5)
        go_on.set()
        for attempted in attempts:
            attempted.result()
    assert len(server.requests) < 4


def test_a_known_key_does_not_wait_for_anothers_refetch(peer, rsa_key):
    held = threading.Event()
    arrived = threading.Event()

    def answer(_request, _conn):
        if len(server.requests) > 1:
            arrived.set()
            held.wait(5)
        return reply({"keys": [jwk_of(rsa_key, "k1")]})

    server = peer(answer)
    cache = JwksCache(server.client())
    cache.signing_key(server.origin, kid="k1", algorithm="RS256")
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(cache.signing_key, server.origin, kid="k2", algorithm="RS256")
        arrived.wait(5)
        assert cache.signing_key(server.origin, kid="k1", algorithm="RS256").kid == "k1"
        assert not unknown.done()
        held.set()
        with refused("idp.token.key_unknown"):
            unknown.result()


def test_one_malformed_key_does_not_fail_the_set(peer, rsa_key):
    broken = [7, None, {}, {"kty": "RSA", "kid": "bad", "n": "!", "e": []}, {"kty": ["RSA"], "kid": {}}]
    keys = Keys(peer, *broken, jwk_of(rsa_key, "k1"))
    assert keys.find().kid == "k1"
    with refused("idp.token.key_unusable"):
        keys.find("bad")


@pytest.mark.parametrize("body", [{}, {"keys": "x"}])
def test_it_refuses_a_set_without_keys_member(keys, body):
    keys.body = body
    with refused("idp.jwks.malformed"):
        keys.find()


def test_it_refuses_an_empty_set(keys):
    keys.body = {"keys": [1]}
    with refused("idp.jwks.empty"):
        keys.find()


@pytest.mark.parametrize("members", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}, {"key_ops": ["encrypt"]}])
def test_it_refuses_a_key_that_is_not_for_this_signature(peer, rsa_key, members):
    with refused("idp.token.key_unusable"):
        Keys(peer, jwk_of(rsa_key, "k1", **members)).find()


def test_it_refuses_two_keys_with_one_id(peer, rsa_key, other_rsa_key):
    with refused("idp.token.key_ambiguous"):
        Keys(peer, jwk_of(rsa_key, "k1"), jwk_of(other_rsa_key, "k1")).find()


def test_an_encryption_key_beside_it_makes_no_ambiguity(peer, rsa_key, other_rsa_key):
    keys = Keys(peer, jwk_of(rsa_key, "k1", use="sig"), jwk_of(other_rsa_key, "k1", use="enc"))
    assert keys.find().key.public_numbers() == rsa_key.public_key().public_numbers()


def test_without_key_id_a_single_key_will_do(keys):
    assert keys.find(None).kid == "k1"


def test_without_key_id_several_keys_will_not(peer, rsa_key, other_rsa_key):
    with refused("idp.token.key_ambiguous"):
        Keys(peer, jwk_of(rsa_key, "k1"), jwk_of(other_rsa_key, "k2")).find(None)


def test_it_refuses_short_rsa_keys(peer, short_rsa_key):
    with refused("idp.token.key_too_short"):
        Keys(peer, jwk_of(short_rsa_key, "k1")).find()


def test_the_curve_has_to_fit_the_algorithm(peer, ec_key):
    keys = Keys(peer, jwk_of(ec_key, "k1"))
    assert keys.find(algorithm="ES256").key.curve.name == "secp256r1"
    for algorithm in ("ES384", "ES512", "RS256", "EdDSA"):
        with refused("idp.token.key_unusable"):
            keys.find(algorithm=algorithm)


def test_a_private_key_published_by_mistake_is_not_taken(peer, rsa_key):
    keys = Keys(peer, RSAAlgorithm.to_jwk(rsa_key, as_dict=True) | {"kid": "k1", "key_ops": ["verify"]})
    assert not hasattr(keys.find().key, "private_numbers")


def test_clear_forgets_everything(keys):
    keys.find()
    keys.cache.clear()
    keys.find()
    assert keys.fetches == 2


def test_a_key_does_not_show_in_its_repr(keys):
    assert "RSAPublicKey" not in repr(keys.find())
