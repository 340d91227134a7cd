import shutil
from pathlib import Path

import pytest

from tests.publishing.sample_month import publish


@pytest.fixture(scope="session")
def published_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "2026-10"
    publish(folder, tmp_path_factory.mktemp("lake"))
    return folder


@pytest.fixture
def published(published_once, tmp_path):
    """A published folder of its own, to be changed at will."""
    return Path(shutil.copytree(published_once, tmp_path / "2026-10"))
