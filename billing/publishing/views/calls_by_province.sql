-- zh: 各号码按主叫省份呼叫分析；unknown 为省份未知（号码隐藏、境外、未收录号段）
-- en: Call analysis by number and the caller's province; unknown: withheld, from abroad, or of a range that is not known
SELECT
  usage_period,
  contract_id,
  service_number,
  value AS province,
  call_count,
  answered_count,
  busy_count,
  no_answer_count,
  abandoned_count,
  ivr_only_count,
  blocked_count,
  other_count,
  answered_count * 10000 // nullif(call_count - blocked_count, 0) AS answer_rate_bp,
  talk_ms // 1000 AS talk_seconds,
  talk_ms // nullif(1000 * answered_count, 0) AS mean_talk_seconds
FROM call_analysis
WHERE dimension = 'province'
ORDER BY usage_period, contract_id, service_number, call_count DESC, province
