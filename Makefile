# Everything runs in .venv, made from the pinned versions in constraints.txt.
PYTHON ?= python3
BOOKS ?= demo-books
CALLS ?= 20000
BENCH_CALLS ?= 2000000
BENCH_MORE ?=
BIN := .venv/bin
# A file of tests stays in one process: what its tests share is made once.
TESTS_IN_PARALLEL := -n auto --dist loadfile

.PHONY: demo test check dev accept bench bench-documents clean

demo: .venv/.installed
	$(BIN)/bill400 demo $(BOOKS) --calls $(CALLS)

test: .venv/.installed-test .venv/.auditors
	$(BIN)/python -m pytest $(TESTS_IN_PARALLEL)

check: .venv/.installed-dev .venv/.auditors
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.house.sizes
	$(BIN)/python -m pytest $(TESTS_IN_PARALLEL)

dev: .venv/.installed-dev

accept: .venv/.installed-test
	$(BIN)/python -m pytest tests/test_stories.py --accept

bench: .venv/.installed-test
	$(BIN)/python -m benchmarks.bench --calls $(BENCH_CALLS) $(BENCH_MORE)

bench-documents: .venv/.installed-test
	$(BIN)/python -m benchmarks.print_documents

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[secure,test]'
	touch $@

.venv/.installed-dev: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[secure,test,dev]'
	touch $@

# Older DuckDB clients, apart from ours: auditors open the audit pack with whatever they have.
.venv/.auditors: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --no-deps --target .venv/duckdb-1.1.3 duckdb==1.1.3
	$(BIN)/python -m pip install --quiet --no-deps --target .venv/duckdb-1.4.4 duckdb==1.4.4
	touch $@

clean:
	rm -rf .venv demo-books dist build
