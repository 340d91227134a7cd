-- zh: 会计分录借贷平衡，按单据；差额应为 0
-- en: Debit and credit of every document; difference must be 0
SELECT
  document,
  event,
  count(*) AS leg_count,
  CAST(sum(debit) AS DECIMAL(18, 2)) AS debit,
  CAST(sum(credit) AS DECIMAL(18, 2)) AS credit,
  CAST(sum(debit) - sum(credit) AS DECIMAL(18, 2)) AS difference
FROM posting
GROUP BY document, event
ORDER BY document, event
