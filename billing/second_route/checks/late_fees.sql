-- What is billed of a late fee is one charge of the overdue bill's month; what is stated is the difference to before.
WITH charges AS (
  SELECT contract_id, usage_period AS bill_period, sum(amount_micro) AS amount
  FROM charge WHERE kind = 'late_fee' GROUP BY ALL
),
fees AS (
  SELECT contract_id, bill_period, sum(billed_micro) AS billed FROM late_fee GROUP BY ALL
)
SELECT
  coalesce(fees.contract_id, charges.contract_id) || '/' || coalesce(fees.bill_period, charges.bill_period) AS document,
  'billed_micro' AS measure,
  coalesce(billed, 0) AS first,
  coalesce(amount, 0) AS second
FROM fees FULL JOIN charges ON charges.contract_id = fees.contract_id AND charges.bill_period = fees.bill_period
UNION ALL
SELECT contract_id || '/' || bill_period, 'stated_micro', stated_micro, accrued_micro - stated_before_micro FROM late_fee
UNION ALL
SELECT contract_id || '/' || bill_period, 'unpaid_micro', unpaid_micro,
  least(principal_micro, greatest(principal_micro - paid_micro, 0))
FROM late_fee
