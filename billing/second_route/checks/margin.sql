-- The certificate's money: revenue, settlement and commission without VAT, and the margin they leave.
WITH recomputed AS (
  SELECT 'revenue_net' AS figure, (SELECT coalesce(sum(net_micro), 0) FROM invoice_line) AS amount
  UNION ALL SELECT 'vat', (SELECT coalesce(sum(gross_micro - net_micro), 0) FROM invoice_line)
  UNION ALL SELECT 'settlement_net', (SELECT coalesce(sum(gross_micro - tax_micro), 0) FROM settlement_line)
  UNION ALL SELECT 'commission_accrued', (SELECT coalesce(sum(accrued_micro), 0) FROM commission_line)
  UNION ALL SELECT 'margin', (
    SELECT
      (SELECT coalesce(sum(net_micro), 0) FROM invoice_line)
      - (SELECT coalesce(sum(gross_micro - tax_micro), 0) FROM settlement_line)
      - (SELECT coalesce(sum(accrued_micro), 0) FROM commission_line)
  )
)
SELECT conservation.figure AS document, 'amount_micro' AS measure, amount_micro AS first, recomputed.amount AS second
FROM conservation JOIN recomputed ON recomputed.figure = conservation.figure
