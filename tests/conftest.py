"""Options of the whole test run."""


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write what came out into the expected files, for a diff")
