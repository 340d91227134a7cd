"""What finance keeps, read from CSV or XLSX into checked tables; and the templates finance starts from."""
