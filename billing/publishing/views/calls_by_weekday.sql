-- zh: 各号码按星期呼叫分析，1 为星期一
-- en: Call analysis by number and weekday, 1 is Monday
SELECT
  usage_period,
  contract_id,
  service_number,
  TRY_CAST(value AS BIGINT) AS weekday,
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
WHERE dimension = 'weekday'
ORDER BY usage_period, contract_id, service_number, weekday
