"""How these tests choose their examples: the same ones each time, and few enough to be run with all other tests."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Fixtures are shared among the examples on purpose: each of them has to leave things as they were.
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def examples(number: int) -> settings:
    """Return the settings of a test with so many examples."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=SHARED,
        print_blob=False,
    )


# Text as strangers send it: with what parsers stumble over.
texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="\x00\r\n\t \u202e\ud800/\\:@?#[]%&=;.,{}<>\"'aA0\u0430\uff0f", max_size=40),
    st.sampled_from(
        ["", " ", "null", "[]", "{}", "0", "-1", "NaN", "true", "x" * 5000, "%00", "\x00", "../", "\ufeff"]
    ),
)
# JSON as strangers send it, nested a little.
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
