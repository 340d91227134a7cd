from tests.commands.demo_books import demos  # noqa: F401
from tests.commands.shop_fixtures import closed, drafted, ingested, stocked  # noqa: F401
