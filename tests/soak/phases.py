"""The phases: what is done to the servers while people sign in."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.redis_server import RedisServer
from tests.soak.stage import Stage

Act = Callable[[Stage], None]


# A process dies over an answer of the provider, which nginx then brings to the other instance as well; over a form,
# which nginx brings to nobody twice; or in the middle of a page.
DEAD = ("federation.state_used", "proxy.no_instance", "answer.cut_off")


@dataclass(frozen=True)
class Phase:
    """One phase.

    Attributes:
        acts: what is done once such a share of the sign-ins is complete.
        pages: how the codes of the error pages begin that people may see meanwhile.
        replays: whether answers of the provider are brought twice.
    """

    name: str
    acts: tuple[tuple[float, Act], ...] = ()
    pages: tuple[str, ...] = ()
    replays: bool = False


def _provider(what: str) -> Act:
    return lambda stage: stage.tell_provider(what)


def _database(mode: str) -> Act:
    return lambda stage: stage.restart_database(mode)


def _killed(number: int) -> Act:
    return lambda stage: stage.instances[number].kill()


def _started(number: int) -> Act:
    return lambda stage: stage.instances[number].start()


def _process_killed(stage: Stage) -> None:
    stage.instances[0].kill_worker()


def _redis(what: Callable[[RedisServer], None]) -> Act:
    def act(stage: Stage) -> None:
        assert stage.redis is not None
        what(stage.redis)

    return act


CALM = Phase("calm", pages=("federation.state_used",), replays=True)
PROVIDER = Phase(
    "provider fails 20 %, new key",
    acts=((0.0, _provider("fail")), (0.3, _provider("new-key/next"))),
    pages=("idp.http.", "idp.token_endpoint.", "idp.jwks.", "idp.token.key_unknown"),
)
TWO_INSTANCES = (
    CALM,
    Phase(
        "instances killed, restarted",
        acts=((0.1, _killed(0)), (0.4, _started(0)), (0.6, _killed(1)), (0.8, _started(1))),
        pages=DEAD,
    ),
    Phase(
        "Redis stopped, started, hangs",
        acts=(
            (0.2, _redis(RedisServer.stop)),
            (0.5, _redis(RedisServer.start)),
            (0.6, _redis(RedisServer.hang)),
            (0.8, _redis(RedisServer.resume)),
        ),
    ),
    Phase(
        "PostgreSQL restarted, crashed",
        acts=((0.2, _database("fast")), (0.6, _database("immediate"))),
        pages=("portal.database_unavailable",),
    ),
    PROVIDER,
)
FOUR_PROCESSES = (
    CALM,
    Phase("processes killed", acts=((0.2, _process_killed), (0.6, _process_killed)), pages=DEAD),
    PROVIDER,
)
