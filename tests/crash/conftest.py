from tests.commands.shop_fixtures import closed, drafted, ingested, stocked  # noqa: F401
