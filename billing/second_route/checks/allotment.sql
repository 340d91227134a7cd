-- Each bill line's net: its exact net cut to the fen, the missing fen to the largest fractions, ties by line number.
-- Lines that come to 0.00 together have no e-fapiao line: their nets come to 0.00 too.
WITH cut AS (
  SELECT
    *,
    gross_micro * CAST(10000 AS HUGEINT) AS scaled,
    (10000 + vat_rate_bp) * CAST(10000 AS HUGEINT) AS divisor
  FROM invoice_line
),
floored AS (
  SELECT *, scaled // divisor - CASE WHEN scaled % divisor < 0 THEN 1 ELSE 0 END AS fen FROM cut
),
ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY invoice_key, tax_code, vat_rate_bp ORDER BY scaled - fen * divisor DESC, line_number
    ) AS place,
    sum(fen) OVER (PARTITION BY invoice_key, tax_code, vat_rate_bp) AS given
  FROM floored
)
SELECT
  ranked.invoice_key || ' line ' || ranked.line_number AS document,
  'net_micro' AS measure,
  ranked.net_micro AS first,
  (ranked.fen + CASE WHEN ranked.place <= coalesce(tax_line.net_micro, 0) // 10000 - ranked.given THEN 1 ELSE 0 END)
    * 10000 AS second
FROM ranked
LEFT JOIN tax_line
  ON tax_line.invoice_key = ranked.invoice_key
  AND tax_line.tax_code = ranked.tax_code
  AND tax_line.vat_rate_bp = ranked.vat_rate_bp
UNION ALL
SELECT invoice_key || ' line ' || line_number, 'tax_micro', tax_micro, gross_micro - net_micro FROM invoice_line
