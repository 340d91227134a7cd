"""`init`: empty books, with the shipped price book, templates to fill in, and every reading stated."""

import json
import secrets
import shutil
from pathlib import Path

from billing.catalog.templates import write_templates
from billing.core.findings import refuse
from billing.core.messages import render
from billing.core.period import Period
from pipelines.books import shipped

BOOKS_TOML = """\
# {title}
lang = "{lang}"                # zh | en
first_period = "{first}"       # {first_words}
due_day = 15                   # {due_words}
keep_raw = true                # {raw_words}
{sample}pseudonym_key = "{key}"  # {key_words}

[company]
name = "{company}"
tax_number = "{tax_number}"
# {taxpayer_words}
taxpayer = [{{ start = 2020-01-01, kind = "general" }}]
# {contact_words}
{off}address = "{address}"
{off}hotline = "400-000-0400"
{off}email = "billing@example.cn"
{off}bank_name = "{bank_name}"
{off}bank_account = "9999 0000 0000 0400"

# {readings_words}
[readings]
revenue_mode = "gross"         # {revenue_words}
fapiao_at = "bill"             # {fapiao_words}
collects = "house"             # {collects_words}

# {late_fee_words}
[late_fee]
rates = [{{ start = 2016-02-06, per_day = "0.003" }}]  # {late_rates_words}
cap = "1"                      # {late_cap_words}
tax_code = "voice"             # {late_tax_words}

# {answered_words}
[call_analysis]
answer_rate = "0.50"           # {rate_words}
least_calls = 20               # {least_words}

[documents]
at_close = true                # {at_close_words}
paper_rows = 2000               # {paper_rows_words}
"""
TAX_NUMBER = "91110000000000000X"
_WORDS = ("title", "first", "due", "raw", "key", "taxpayer", "readings", "revenue", "fapiao", "collects",
          "late_fee", "late_rates", "late_cap", "late_tax", "answered", "rate", "least", "contact",
          "at_close", "paper_rows")  # fmt: skip


def init_books(root: Path, *, first: Period, lang: str) -> None:
    """Make empty books with templates in `catalog/` and the shipped price book.

    Raises:
        Refusal: the folder holds something already.
    """
    make_folders(root, first=first, lang=lang, company=render("toml.company", lang), key=secrets.token_hex(16))
    write_templates(root / "catalog", lang)


def make_folders(
    root: Path,
    *,
    first: Period,
    lang: str,
    company: str,
    key: str,
    is_sample: bool = False,
    mark: dict[str, object] | None = None,
) -> None:
    """Folders, `books.toml` and the price book; `books.toml` comes last, so a folder without it is no books.

    Raises:
        Refusal: the folder holds something already.
    """
    if root.exists() and any(root.iterdir()):
        raise refuse("FOLDER_NOT_EMPTY", folder=root)
    root.mkdir(parents=True, exist_ok=True)
    if mark:
        (root / ".demo.json").write_text(json.dumps(mark), "utf-8")
    for folder in ("catalog", "layouts", "inbox", "commits", "lake", "snapshots", "published"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copytree(shipped("rate_plans"), root / "rate_plans")
    words = {name if name == "title" else f"{name}_words": render(f"toml.{name}", lang) for name in _WORDS}
    sample = f"sample = true                  # {render('toml.sample', lang)}\n" if is_sample else ""
    values = {"lang": lang, "first": first, "key": key, "company": company, "tax_number": TAX_NUMBER, "sample": sample}
    # An invented account must never stand on a bill that somebody pays: only the sample company has one.
    values["off"] = "" if is_sample else "# "
    values |= {name: render(f"toml.{name}", lang) for name in ("address", "bank_name")}
    text = BOOKS_TOML.format(**values, **words)
    (root / "books.toml").write_text(text, "utf-8")
