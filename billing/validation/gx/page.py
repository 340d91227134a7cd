"""The library's own pages of a batch, made one that stands alone: no script, no remote file, nothing of a caller.

As they come they load a dozen files from the network, among them a logo that tells who looks, and hold random ids and
clocks. Their sections and tables stay; a small sheet of our own dresses them, and a table of the files stands on top.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

REPORT = "close_report.html"
"""Where the page is published, the report of the month lies one folder above."""
TITLES = {"calls": "话单规则 Rules of calls", "files": "文件规则 Rules of files"}
_PAGE = """<!DOCTYPE html>
<html lang="zh"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>质量检查 Quality gate</title>
<style>
{style}</style></head>
<body>
<h1>质量检查 Quality gate</h1>
<p><a href="../{report}">出账报告 Close report</a></p>
{body}
</body></html>
"""
_SECTION = re.compile(r'<div id="section-\d+" class="ge-section')
_END = "<footer>"
_MORE_INFO = '<div id="section-1-content-block-3"'
"""Begins what the first section ends with: versions, clocks, random ids."""
_STYLE = re.compile(r'\s(?:style|data-[a-z-]+|onclick|href)="[^"]*"')
_SCRIPT = re.compile(r"<(script|style|link|img)\b.*?(?:</\1>|/?>)", re.DOTALL)
_BLANKS = re.compile(r"\s*\n\s*")


def write_page(
    validations: Mapping[str, ExpectationSuiteValidationResult], headings: Sequence[str], files: Sequence[Sequence[str]]
) -> str:
    """A page of the results of a batch.

    Args:
        validations: results by table, `calls` and `files`.
        headings: of the table of files.
        files: a row a file.

    Returns:
        HTML that needs nothing beside itself; equal results are equal bytes.
    """
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in files)
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    parts = [f"<h2>文件 Files</h2>\n<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>"]
    parts += [f"<h2>{TITLES[table]}</h2>\n{_sections(validation)}" for table, validation in validations.items()]
    style = resources.files("billing.validation.gx").joinpath("page.css").read_text("utf-8")
    return _PAGE.format(style=style, report=REPORT, body="\n".join(parts))


@functools.cache
def _view() -> DefaultJinjaPageView:
    """One view a process: it keeps the templates it has compiled."""
    return DefaultJinjaPageView()


def _sections(validation: ExpectationSuiteValidationResult) -> str:
    """The sections of the library's page of one result, without what needs a network or holds a clock."""
    html = _view().render(ValidationResultsPageRenderer().render(validation))
    first, *others = [match.start() for match in _SECTION.finditer(html)]
    overview = html[first : html.index(_MORE_INFO)] + "</div></div>"
    body = overview + html[others[0] : html.index(_END)]
    body = _STYLE.sub("", _SCRIPT.sub("", body))
    return _BLANKS.sub("\n", body)
