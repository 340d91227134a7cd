-- A bill line is the sum of the charges it was made from, and every charge is on a bill.
WITH charges AS (
  SELECT line_key, sum(amount_micro) AS amount FROM charge GROUP BY line_key
),
lines AS (
  SELECT line_key, sum(gross_micro) AS gross FROM invoice_line GROUP BY line_key
)
SELECT
  coalesce(lines.line_key, charges.line_key) AS document,
  'gross_micro' AS measure,
  coalesce(lines.gross, 0) AS first,
  coalesce(charges.amount, 0) AS second
FROM lines FULL JOIN charges ON charges.line_key = lines.line_key
