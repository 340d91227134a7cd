-- Debit = credit in every document, and each party's debits are what its documents say: a credit swaps the sides.
WITH legs AS (
  SELECT event, party_id, sum(debit_micro) AS debit FROM posting GROUP BY event, party_id
),
bills AS (
  SELECT customer_id AS party, gross_micro AS gross, net_micro AS net, tax_micro AS tax FROM invoice
),
settled AS (
  SELECT carrier_id AS party, sum(gross_micro) AS gross, sum(gross_micro - tax_micro) AS net, sum(tax_micro) AS tax
  FROM settlement_line GROUP BY carrier_id
),
earned AS (
  SELECT agent_id AS party, sum(accrued_micro) AS accrued FROM commission_line GROUP BY agent_id
),
occupied AS (
  SELECT resource AS party, sum(accrued_micro) AS accrued FROM resource_fee GROUP BY resource
),
expected AS (
  SELECT 'bill' AS event, party, sum(greatest(gross, 0) + greatest(-net, 0) + greatest(-tax, 0)) AS debit
  FROM bills GROUP BY party
  UNION ALL SELECT 'settlement', party, greatest(net, 0) + greatest(tax, 0) + greatest(-gross, 0) FROM settled
  UNION ALL SELECT 'commission', party, abs(accrued) FROM earned
  UNION ALL SELECT 'resource_fee', party, accrued FROM occupied
)
SELECT document, 'debit_micro' AS measure, sum(debit_micro) AS first, sum(credit_micro) AS second
FROM posting GROUP BY document
UNION ALL
SELECT
  coalesce(expected.event, legs.event) || ' ' || coalesce(expected.party, legs.party_id),
  'party_debit_micro',
  coalesce(legs.debit, 0),
  coalesce(expected.debit, 0)
FROM expected FULL JOIN legs ON legs.event = expected.event AND legs.party_id = expected.party
