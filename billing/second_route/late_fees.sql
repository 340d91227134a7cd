-- Late fees of bills of contracts paid by the month: the unpaid principal of each day from the day after the due date to
-- the day of payment, times the rate of the day, at most a share of the principal, half away from zero to the fen.
WITH bills AS (
  SELECT
    line.contract_id, invoice.period AS bill_period, max(invoice.due_date) + 1 AS since,
    CAST(sum(line.gross_micro) AS BIGINT) AS principal
  FROM invoice_line AS line
  JOIN invoice ON invoice.invoice_key = line.invoice_key
  JOIN contract ON contract.contract_id = line.contract_id AND contract.payment_mode = 'monthly'
  WHERE line.kind <> 'late_fee' AND line.item <> 'late_fee_waiver'
  GROUP BY line.contract_id, invoice.period
  HAVING sum(line.gross_micro) > 0
),
money AS (
  SELECT contract_id, bill_period, received_on + 1 AS counts_from, amount_micro FROM receipt WHERE purpose = 'bill'
),
changes AS (
  SELECT contract_id, bill_period, since AS day, 0 AS amount FROM bills
  UNION ALL
  SELECT contract_id, bill_period, greatest(counts_from, since), amount_micro
  FROM bills JOIN money USING (contract_id, bill_period)
  UNION ALL
  SELECT contract_id, bill_period, start, 0 FROM bills JOIN rate ON start > since
),
days AS (
  SELECT contract_id, bill_period, day, sum(amount) AS amount FROM changes WHERE day < $end GROUP BY ALL
),
spans AS (
  SELECT
    contract_id, bill_period, day,
    sum(amount) OVER spans_of_bill AS paid,
    lead(day, 1, CAST($end AS DATE)) OVER spans_of_bill - day AS length
  FROM days
  WINDOW spans_of_bill AS (PARTITION BY contract_id, bill_period ORDER BY day)
),
rated AS (
  SELECT
    spans.contract_id, spans.bill_period, length,
    least(principal, greatest(principal - paid, 0)) AS unpaid,
    coalesce(
      (SELECT max_by(rate_bp, start) FROM rate WHERE start <= day), (SELECT min_by(rate_bp, start) FROM rate)
    ) AS rate_bp
  FROM spans JOIN bills USING (contract_id, bill_period)
),
sums AS (
  SELECT
    contract_id, bill_period,
    sum(CASE WHEN unpaid > 0 THEN length ELSE 0 END) AS overdue_days,
    sum(CAST(unpaid AS HUGEINT) * rate_bp * length) AS exact
  FROM rated GROUP BY ALL
),
received AS (
  SELECT contract_id, bill_period, sum(amount_micro) AS paid FROM money WHERE counts_from <= $end GROUP BY ALL
),
told AS (
  SELECT contract_id, bill_period, sum(stated_micro) AS stated FROM earlier GROUP BY ALL
),
again AS (
  SELECT
    bills.contract_id, bills.bill_period, principal, coalesce(paid, 0) AS paid,
    coalesce(overdue_days, 0) AS overdue_days,
    least(principal, greatest(principal - coalesce(paid, 0), 0)) AS unpaid,
    -- basis points of micro, so that one fen is 10,000 x 10,000 of them
    (2 * least(coalesce(exact, 0), CAST(principal AS HUGEINT) * $cap_bp) + 100000000) // 200000000 * 10000 AS accrued,
    coalesce(stated, 0) AS stated
  FROM bills
  LEFT JOIN sums USING (contract_id, bill_period)
  LEFT JOIN received USING (contract_id, bill_period)
  LEFT JOIN told USING (contract_id, bill_period)
),
pairs AS (
  SELECT coalesce(again.contract_id, late_fee.contract_id) || '/' || coalesce(again.bill_period, late_fee.bill_period)
      AS document,
    late_fee.*, again.* EXCLUDE (contract_id, bill_period, overdue_days), again.overdue_days AS days_again,
    late_fee.contract_id IS NOT NULL AS is_stored
  FROM again
  FULL JOIN late_fee ON late_fee.contract_id = again.contract_id AND late_fee.bill_period = again.bill_period
)
SELECT document, 'principal_micro' AS measure, principal_micro AS first, principal AS second FROM pairs WHERE is_stored
UNION ALL SELECT document, 'paid_micro', paid_micro, paid FROM pairs WHERE is_stored
UNION ALL SELECT document, 'unpaid_micro', unpaid_micro, unpaid FROM pairs WHERE is_stored
UNION ALL SELECT document, 'overdue_days', pairs.overdue_days, days_again FROM pairs WHERE is_stored
UNION ALL SELECT document, 'accrued_micro', accrued_micro, accrued FROM pairs WHERE is_stored
UNION ALL SELECT document, 'stated_before_micro', stated_before_micro, stated FROM pairs WHERE is_stored
UNION ALL SELECT document, 'stated_micro', coalesce(stated_micro, 0), coalesce(accrued, 0) - coalesce(stated, 0) FROM pairs
