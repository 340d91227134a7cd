"""Documents of a period: a model of each, printed as PDF and XLSX; packs that are sent; the close report as HTML."""
