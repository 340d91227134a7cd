-- zh: 话单按汇总键合计：月份|合同|号码|资费
-- en: Calls added up by usage key: month|contract|number|rate
SELECT
  strftime(usage_date, '%Y-%m') || '|' || contract_id || '|' || service_number || '|' || rate_id AS usage_key,
  CAST(sum(call_count) AS BIGINT) AS call_count,
  CAST(sum(billed_seconds) AS BIGINT) AS billed_seconds,
  CAST(sum(amount) AS DECIMAL(18, 6)) AS amount
FROM usage_total
GROUP BY ALL
ORDER BY usage_key
