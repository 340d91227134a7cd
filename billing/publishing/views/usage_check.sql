-- zh: 账单通话费行与其话单合计核对，按话单汇总键；差额应为 0
-- en: Usage lines of bills against the sum of their calls, by usage key; difference must be 0
WITH rounding AS (
  SELECT line_key, CAST(sum(amount) AS DECIMAL(18, 6)) AS amount FROM charge WHERE kind = 'rounding' GROUP BY line_key
),
lines AS (
  -- in a month of two VAT rates a key has a fifth part, the rate; calls carry the first four
  SELECT
    array_to_string(string_split(line.usage_key, '|')[1:4], '|') AS usage_key,
    min(line.invoice_key) AS invoice_key,
    count(*) AS line_count,
    CAST(sum(line.call_count) AS BIGINT) AS line_calls,
    CAST(sum(line.gross) AS DECIMAL(18, 6)) AS line_gross,
    CAST(sum(coalesce(rounding.amount, 0)) AS DECIMAL(18, 6)) AS rounding
  FROM invoice_line AS line
  LEFT JOIN rounding ON rounding.line_key = line.line_key
  WHERE line.usage_key IS NOT NULL
  GROUP BY 1
)
SELECT
  lines.usage_key,
  lines.invoice_key,
  lines.line_count,
  lines.line_calls,
  coalesce(usage.call_count, 0) AS calls,
  lines.line_gross,
  coalesce(usage.amount, 0) AS calls_amount,
  lines.rounding,
  CAST(lines.line_gross - coalesce(usage.amount, 0) - lines.rounding AS DECIMAL(18, 6)) AS difference
FROM lines
LEFT JOIN usage_by_key AS usage ON usage.usage_key = lines.usage_key
ORDER BY lines.usage_key
