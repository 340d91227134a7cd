-- A bill's totals are the sums of its lines; a bill without lines and lines without a bill both count as zero.
WITH lines AS (
  SELECT invoice_key, count(*) AS n, sum(gross_micro) AS gross, sum(net_micro) AS net, sum(tax_micro) AS tax
  FROM invoice_line GROUP BY invoice_key
),
pairs AS (
  SELECT coalesce(invoice.invoice_key, lines.invoice_key) AS document, invoice.*, lines.* EXCLUDE (invoice_key)
  FROM invoice FULL JOIN lines ON lines.invoice_key = invoice.invoice_key
)
SELECT document, 'line_count' AS measure, coalesce(line_count, 0) AS first, coalesce(n, 0) AS second FROM pairs
UNION ALL SELECT document, 'gross_micro', coalesce(gross_micro, 0), coalesce(gross, 0) FROM pairs
UNION ALL SELECT document, 'net_micro', coalesce(net_micro, 0), coalesce(net, 0) FROM pairs
UNION ALL SELECT document, 'tax_micro', coalesce(tax_micro, 0), coalesce(tax, 0) FROM pairs
