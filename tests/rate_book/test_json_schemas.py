"""The schemas that editors get are those of this version, accept every shipped plan and mark plain mistakes."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from billing.rate_book.json_schemas import MODELS, schema_of, schema_text
from pipelines.books import shipped

PLANS = [path for folder in MODELS for path in sorted((shipped("rate_plans") / folder).glob("*.yaml"))]


@pytest.mark.parametrize("folder", MODELS)
def test_the_shipped_schema_is_that_of_the_model(folder):
    written = shipped("rate_plans") / "schemas" / f"{folder}.json"
    assert written.read_text("utf-8") == schema_text(folder), (
        "python -m billing.rate_book.json_schemas rate_plans/schemas"
    )
    Draft202012Validator.check_schema(json.loads(written.read_text("utf-8")))


def problems(folder: str, values: object) -> list[str]:
    """What a validator says of the values of a file, read as an editor reads them."""
    plain = json.loads(json.dumps(values, default=str))
    return [error.message for error in Draft202012Validator(schema_of(folder)).iter_errors(plain)]


def as_editors_read(path: Path) -> dict[str, object]:
    values = yaml.safe_load(path.read_text("utf-8"))
    return {str(key): _with_text_keys(value) for key, value in values.items()}


def _with_text_keys(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_file_fits_its_schema(path):
    assert problems(path.parent.name, as_editors_read(path)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda version: version.update(minimun=version.pop("minimum", {})),
        lambda version: version["call"].update(price_per_minute=0.1),
        lambda version: version["minimum"].pop("scope"),
        lambda version: version["minimum"].update(scope="company"),
        lambda version: version["minimum"].update(per_month="5.001"),
    ],
    ids=["misspelt", "a float", "a reading left out", "a word that is none", "a third of a fen"],
)
def test_plain_mistakes_are_marked(spoil):
    values = copy.deepcopy(as_editors_read(shipped("rate_plans") / "retail" / "split_function_010.yaml"))
    assert problems("retail", values) == []
    spoil(next(iter(values["versions"].values())))
    assert problems("retail", values)
