"""Documents as PDF: pages to print, to read aloud and to keep (PDF/A-2a, PDF/UA-1), the same bytes everywhere."""
