"""Great Expectations on our own DuckDB connection: data source, expectation, running a suite, its page.

Imported only when a batch is judged, never at start-up: the library takes two seconds to load.
"""
