import io
import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pypdf
import pytest

from billing.core.findings import Refusal
from billing.documents.model import Field
from billing.documents.pdf import printer
from billing.documents.pdf.printer import print_pdf, print_pdfs
from tests.documents.reading_pdfs import squeezed
from tests.documents.sample_documents import BILL, STATEMENT, days, with_sections

ROOT = Path(__file__).resolve().parents[2]

PRINT = """
import hashlib
from billing.documents.pdf.printer import print_pdf, print_pdfs
from tests.documents.sample_documents import BILL, STATEMENT
print(hashlib.sha256(b"".join(pdf for _, pdf in print_pdfs([STATEMENT, BILL, STATEMENT]))).hexdigest())
"""


def test_another_process_prints_the_same_bytes(tmp_path):
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = [
        subprocess.run(
            [sys.executable, "-c", PRINT], env=there | settings, cwd=cwd, capture_output=True, text=True, check=True
        ).stdout.strip()
        for settings, cwd in (
            ({"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1", "LANG": "zh_CN.UTF-8"}, ROOT),
            ({"TZ": "America/New_York", "PYTHONHASHSEED": "2", "LANG": "C", "SOURCE_DATE_EPOCH": "1"}, tmp_path),
        )
    ]
    here = b"".join(map(print_pdf, [STATEMENT, BILL, STATEMENT]))
    assert told == [sha256(here).hexdigest()] * 2


def test_typst_is_loaded_by_the_first_document_only():
    asked = "import sys, billing.documents.pdf.printer; print('typst' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_many_documents_come_in_order_and_few_at_a_time():
    taken = []

    def documents():
        for place in range(24):
            taken.append(place)
            sections = (days(120),) if place % 3 == 0 else ()
            yield replace(
                with_sections(BILL, *sections), recipient_id=f"C{place}", recipient=(Field("客户", f"C{place}"),)
            )

    printing = print_pdfs(documents())
    first, _ = next(printing)
    assert first.recipient_id == "C0"
    assert len(taken) <= 2 + 2 * (os.cpu_count() or 1)
    for place, (document, pdf) in enumerate(printing, 1):
        assert document.recipient_id == f"C{place}"
        assert f"客户C{place}" in squeezed(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    assert place == 23


def test_one_refused_document_stops_the_printing_by_name():
    bad = replace(BILL, recipient_id="C777", recipient=(Field("客户名称", "𠮷"),))
    with pytest.raises(Refusal) as refused:
        list(print_pdfs([BILL, bad, BILL]))
    assert refused.value.findings[0].values["recipient_id"] == "C777"


def test_a_fault_of_ours_names_the_document(monkeypatch):
    monkeypatch.setattr(printer, "page_values", lambda document: {"lang": "zh"})
    with pytest.raises(RuntimeError) as raised:
        print_pdf(BILL)
    assert raised.value.__notes__ == ["bill of C000019 深圳华锐医疗器械有限公司"]
