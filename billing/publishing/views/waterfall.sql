-- zh: 从通话费到毛利的逐步计算
-- en: From gross usage to margin, step by step
WITH charged AS (
  SELECT kind, CAST(sum(amount) AS DECIMAL(18, 6)) AS amount FROM charge GROUP BY kind
),
billed AS (
  SELECT
    CAST(coalesce(sum(gross), 0) AS DECIMAL(18, 6)) AS gross,
    CAST(coalesce(sum(tax), 0) AS DECIMAL(18, 6)) AS tax,
    CAST(coalesce(sum(net), 0) AS DECIMAL(18, 6)) AS net
  FROM invoice
),
settled AS (
  SELECT CAST(coalesce(sum(net), 0) AS DECIMAL(18, 6)) AS net FROM settlement_line
),
earned AS (
  SELECT CAST(coalesce(sum(accrued), 0) AS DECIMAL(18, 6)) AS accrued FROM commission_line
),
steps AS (
  SELECT 1 AS step, 'gross_usage' AS figure, coalesce(sum(amount), 0) AS amount FROM charged WHERE kind = 'usage'
  UNION ALL SELECT 2, 'rounding', coalesce(sum(amount), 0) FROM charged WHERE kind = 'rounding'
  UNION ALL SELECT 3, 'cap_credit', coalesce(sum(amount), 0) FROM charged WHERE kind = 'cap_credit'
  UNION ALL SELECT 4, 'true_up', coalesce(sum(amount), 0) FROM charged WHERE kind = 'true_up'
  UNION ALL SELECT 5, 'fees', coalesce(sum(amount), 0) FROM charged WHERE kind IN ('recurring', 'one_off')
  UNION ALL SELECT 6, 'other_charges', coalesce(sum(amount), 0) FROM charged
    WHERE kind NOT IN ('usage', 'rounding', 'cap_credit', 'true_up', 'recurring', 'one_off')
  UNION ALL SELECT 7, 'revenue_gross', gross FROM billed
  UNION ALL SELECT 8, 'vat', -tax FROM billed
  UNION ALL SELECT 9, 'revenue_net', net FROM billed
  UNION ALL SELECT 10, 'settlement_net', -net FROM settled
  UNION ALL SELECT 11, 'commission', -accrued FROM earned
  UNION ALL SELECT 12, 'margin', billed.net - settled.net - earned.accrued FROM billed, settled, earned
)
SELECT step, figure, CAST(amount AS DECIMAL(18, 6)) AS amount FROM steps ORDER BY step
