-- zh: 从通话费到毛利的逐步计算
-- en: From gross usage to margin, step by step
WITH charged AS (
  SELECT kind, CAST(sum(amount) AS DECIMAL(18, 6)) AS amount FROM charge GROUP BY kind
),
kinds AS (
  SELECT * FROM (VALUES
    (1, 'gross_usage', 'usage'),
    (2, 'rounding', 'rounding'),
    (3, 'allowance_credit', 'allowance_credit'),
    (4, 'tier_credit', 'tier_credit'),
    (5, 'cap_credit', 'cap_credit'),
    (6, 'discount', 'discount'),
    (7, 'true_up', 'true_up'),
    (8, 'fees', 'recurring'),
    (8, 'fees', 'one_off'),
    (9, 'metered', 'metered'),
    (10, 'service_credit', 'service_credit'),
    (11, 'adjustment', 'adjustment'),
    (12, 'late_usage', 'late_usage'),
    (13, 'late_fee', 'late_fee')
  ) AS kinds (step, figure, kind)
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
  SELECT kinds.step, kinds.figure, coalesce(sum(charged.amount), 0) AS amount
  FROM kinds
  LEFT JOIN charged ON charged.kind = kinds.kind
  GROUP BY kinds.step, kinds.figure
  UNION ALL SELECT 14, 'revenue_gross', gross FROM billed
  UNION ALL SELECT 15, 'vat', -tax FROM billed
  UNION ALL SELECT 16, 'revenue_net', net FROM billed
  UNION ALL SELECT 17, 'settlement_net', -net FROM settled
  UNION ALL SELECT 18, 'commission', -accrued FROM earned
  UNION ALL SELECT 19, 'margin', billed.net - settled.net - earned.accrued FROM billed, settled, earned
)
SELECT step, figure, CAST(amount AS DECIMAL(18, 6)) AS amount FROM steps ORDER BY step
