-- Balances of contracts: a running account of bills and money, cut at the first day of the period. Money for bills counts
-- from the first period of the books; money paid ahead counts unless its contract year or term was over by then.
WITH bills AS (
  SELECT
    line.contract_id,
    sum(CASE WHEN invoice.period = $period THEN 0 ELSE line.gross_micro END) AS before,
    sum(CASE WHEN invoice.period = $period THEN line.gross_micro ELSE 0 END) AS own
  FROM invoice_line AS line JOIN invoice ON invoice.invoice_key = line.invoice_key
  GROUP BY line.contract_id
),
years AS (
  -- A year's end is an anniversary of the first paid day: the first one after the day, never before the end of year 1.
  SELECT
    receipt.receipt_id, receipt.contract_id, received_on, amount_micro, purpose, bill_period, ends_on,
    CASE WHEN trial_until IS NULL THEN service_start
      ELSE greatest(service_start, trial_until, trial_confirmed_on) END AS first_paid,
    trial_until IS NOT NULL AND trial_confirmed_on IS NULL AS is_never_paid
  FROM receipt LEFT JOIN contract ON contract.contract_id = receipt.contract_id
),
counted AS (
  SELECT contract_id, received_on, amount_micro
  FROM years
  WHERE received_on < $end AND CASE
    WHEN purpose = 'bill' THEN bill_period >= strftime(CAST($first AS DATE), '%Y-%m')
    WHEN purpose = 'full_term' THEN ends_on IS NULL OR ends_on > $first
    ELSE first_paid IS NULL OR is_never_paid OR (
      SELECT min(anniversary) FROM (
        SELECT CAST(first_paid + to_years(CAST(n AS INTEGER)) AS DATE) AS anniversary FROM range(1, 200) AS years_on(n)
      ) WHERE anniversary > received_on
    ) > $first
  END
),
money AS (
  SELECT
    contract_id,
    sum(CASE WHEN received_on < $start THEN amount_micro ELSE 0 END) AS before,
    sum(CASE WHEN received_on < $start THEN 0 ELSE amount_micro END) AS own
  FROM counted GROUP BY contract_id
),
again AS (
  SELECT
    coalesce(bills.contract_id, money.contract_id) AS contract_id,
    coalesce(bills.before, 0) - coalesce(money.before, 0) AS opening,
    coalesce(money.own, 0) AS received,
    coalesce(bills.own, 0) AS billed
  FROM bills FULL JOIN money ON money.contract_id = bills.contract_id
),
pairs AS (
  SELECT
    coalesce(again.contract_id, stored.contract_id) AS document, stored.*,
    coalesce(opening, 0) AS opening, coalesce(received, 0) AS received, coalesce(billed, 0) AS billed,
    coalesce(opening, 0) - coalesce(received, 0) + coalesce(billed, 0) AS closing
  FROM again FULL JOIN account_balance AS stored ON stored.contract_id = again.contract_id
)
SELECT document, 'opening_micro' AS measure, coalesce(opening_micro, 0) AS first, opening AS second FROM pairs
UNION ALL SELECT document, 'received_micro', coalesce(received_micro, 0), received FROM pairs
UNION ALL SELECT document, 'billed_micro', coalesce(billed_micro, 0), billed FROM pairs
UNION ALL SELECT document, 'closing_micro', coalesce(closing_micro, 0), closing FROM pairs
UNION ALL SELECT document, 'payable_micro', coalesce(payable_micro, 0), greatest(closing, 0) FROM pairs
