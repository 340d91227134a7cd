-- VAT once an e-fapiao line: its gross is the sum of its bill lines, net = gross / (1 + rate) rounded half away from
-- zero to the fen, tax = gross - net; and the lines' allotted net adds up to it.
-- Lines that come to 0.00 together have no e-fapiao line, and no e-fapiao line is 0.00.
WITH lines AS (
  SELECT invoice_key, tax_code, vat_rate_bp, sum(gross_micro) AS gross, sum(net_micro) AS net
  FROM invoice_line GROUP BY ALL
),
halves AS (
  SELECT *, (10000 + vat_rate_bp) * CAST(10000 AS HUGEINT) AS divisor, abs(gross) * CAST(10000 AS HUGEINT) AS scaled
  FROM lines
),
computed AS (
  SELECT
    *,
    CASE WHEN gross < 0 THEN -1 ELSE 1 END * ((2 * scaled + divisor) // (2 * divisor)) * 10000 AS net_due
  FROM halves
),
pairs AS (
  SELECT
    coalesce(tax_line.invoice_key, computed.invoice_key) || ' ' || coalesce(tax_line.tax_code, computed.tax_code)
      || ' ' || coalesce(tax_line.vat_rate_bp, computed.vat_rate_bp) AS document,
    tax_line.gross_micro, tax_line.net_micro, tax_line.tax_micro,
    computed.gross, computed.net, computed.net_due
  FROM tax_line FULL JOIN computed
    ON computed.invoice_key = tax_line.invoice_key
    AND computed.tax_code = tax_line.tax_code
    AND computed.vat_rate_bp = tax_line.vat_rate_bp
)
SELECT document, 'gross_micro' AS measure, coalesce(gross_micro, 0) AS first, coalesce(gross, 0) AS second FROM pairs
UNION ALL SELECT document, 'net_micro', coalesce(net_micro, 0), coalesce(net_due, 0) FROM pairs
UNION ALL SELECT document, 'tax_micro', coalesce(tax_micro, 0), coalesce(gross - net_due, 0) FROM pairs
UNION ALL SELECT document, 'allotted_net_micro', coalesce(net, 0), coalesce(net_due, 0) FROM pairs
UNION ALL SELECT document, 'is_empty', CAST(gross_micro = 0 AS BIGINT), 0 FROM pairs WHERE gross_micro IS NOT NULL
