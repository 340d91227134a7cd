"""JSON Schemas of the plan files, for editors: made from the very models that read the files, so they cannot differ.

`python -m billing.rate_book.json_schemas FOLDER` writes them; `rate_plans/schemas/` holds those of this version.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from billing.rate_book.plans import AccountMap, CommissionScheme, RetailPlan, SettlementPlan, TaxTable
from billing.rate_book.resource_fees import ResourceFees
from billing.rate_book.windows import Calendar

MODELS: dict[str, type[BaseModel]] = {
    "retail": RetailPlan,
    "settlement": SettlementPlan,
    "commission": CommissionScheme,
    "tax": TaxTable,
    "calendars": Calendar,
    "posting": AccountMap,
    "resources": ResourceFees,
}
"""Folder of `rate_plans/` and what a file in it is."""


def schema_of(folder: str) -> dict[str, Any]:
    """The schema of the files of a folder of `rate_plans/`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **MODELS[folder].model_json_schema()}


def schema_text(folder: str) -> str:
    """The schema as it is written."""
    return json.dumps(schema_of(folder), ensure_ascii=False, indent=1) + "\n"


def main(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (folder / f"{name}.json").write_text(schema_text(name), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
