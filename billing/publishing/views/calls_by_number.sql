-- zh: 号码呼叫分析：来话、接通、遇忙、无应答次数，接通率（万分比，不计被拦截的来话），通话总时长与平均时长（秒）
-- en: Call analysis by number: calls by outcome, answered share of all but those turned away by the owner's rules (basis points), talk time in all and on average
SELECT
  calls.usage_period,
  calls.contract_id,
  customer.customer_name,
  calls.service_number,
  calls.call_count,
  calls.answered_count,
  calls.busy_count,
  calls.no_answer_count,
  calls.abandoned_count,
  calls.ivr_only_count,
  calls.blocked_count,
  calls.other_count,
  calls.answered_count * 10000 // nullif(calls.call_count - calls.blocked_count, 0) AS answer_rate_bp,
  calls.talk_ms // 1000 AS talk_seconds,
  calls.talk_ms // nullif(1000 * calls.answered_count, 0) AS mean_talk_seconds
FROM call_analysis AS calls
LEFT JOIN contract ON contract.contract_id = calls.contract_id
LEFT JOIN customer ON customer.customer_id = contract.customer_id
WHERE calls.dimension = 'total'
ORDER BY calls.usage_period, calls.contract_id, calls.service_number
