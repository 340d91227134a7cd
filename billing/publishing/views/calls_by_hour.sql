-- zh: 各号码分时段呼叫分析：来话时刻所在小时，0 至 23
-- en: Call analysis by number and hour of the day in which the calls started, 0 to 23
SELECT
  usage_period,
  contract_id,
  service_number,
  TRY_CAST(value AS BIGINT) AS hour,
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
WHERE dimension = 'hour'
ORDER BY usage_period, contract_id, service_number, hour
