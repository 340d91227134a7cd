from tests.properties.conftest import settings  # noqa: F401
