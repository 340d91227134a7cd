-- zh: 待处理话单，按原因
-- en: Lines held back, by reason
SELECT
  reason,
  rule_id,
  count(*) AS line_count,
  count(DISTINCT service_number) AS number_count,
  min(first_seen) AS first_seen
FROM suspense
GROUP BY reason, rule_id
ORDER BY line_count DESC, reason, rule_id
