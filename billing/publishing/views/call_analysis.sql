-- zh: 呼叫分析：每个号码的来话、接通、遇忙、无应答次数与通话时长
-- en: Call analysis by number: calls, answered, busy, no answer, talk time in total and on average
SELECT
  service_number,
  CAST(sum(call_count) AS BIGINT) AS call_count,
  CAST(sum(CASE WHEN outcome = 'answered' THEN call_count ELSE 0 END) AS BIGINT) AS answered_count,
  CAST(sum(CASE WHEN outcome = 'busy' THEN call_count ELSE 0 END) AS BIGINT) AS busy_count,
  CAST(sum(CASE WHEN outcome = 'no_answer' THEN call_count ELSE 0 END) AS BIGINT) AS no_answer_count,
  CAST(sum(usage_ms) // 1000 AS BIGINT) AS talk_seconds,
  CAST(sum(usage_ms) // nullif(1000 * sum(CASE WHEN outcome = 'answered' THEN call_count ELSE 0 END), 0) AS BIGINT)
    AS mean_talk_seconds
FROM usage_total
GROUP BY service_number
ORDER BY service_number
