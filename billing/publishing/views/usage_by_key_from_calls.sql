-- zh: 话单按汇总键合计：月份|合同|号码|资费
-- en: Calls added up by usage key: month|contract|number|rate
SELECT
  usage_key,
  count(*) AS call_count,
  CAST(sum(billed_seconds) AS BIGINT) AS billed_seconds,
  CAST(sum(amount) AS DECIMAL(18, 6)) AS amount
FROM calls
GROUP BY usage_key
ORDER BY usage_key
