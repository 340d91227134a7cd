"""The sample company of October 2026, written and read once."""

import pytest

from billing.catalog.reading import read_catalog
from billing.core.period import Period
from billing.sample_company.catalog import write_sample_catalog

SEED = 7
PERIOD = Period(2026, 10)


@pytest.fixture(scope="session")
def catalog_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog")
    write_sample_catalog(folder, seed=SEED, period=PERIOD)
    return folder


@pytest.fixture(scope="session")
def catalog(catalog_folder):
    return read_catalog(catalog_folder)
