"""The tests that every backend passes, as a suite for pytest.

    pytest -p tiledsl.testing.conformance.plugin \
        --pyargs tiledsl.testing.conformance --backend NAME

The whole table of ``tiledsl.testing.accuracy``, the small programs of
``tiledsl.testing.programs``, then every registered kernel with all oracles.  A backend
may refuse with a code; it may not be wrong.
"""
