"""PDFs read back: their text without blanks, page by page."""

import io
import re

import pypdf

from billing.documents.pdf.printer import print_pdf


def reader(document):
    return pypdf.PdfReader(io.BytesIO(print_pdf(document)))


def squeezed(text):
    return re.sub(r"\s+", "", text)


def pages_of(document):
    return [squeezed(page.extract_text()) for page in reader(document).pages]


def text_of(document):
    return "".join(pages_of(document))
