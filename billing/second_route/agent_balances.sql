-- Balances of agents: month by month from the first, each starting from what the month before carried out.
WITH RECURSIVE months AS (
  SELECT
    agent_id, period,
    sum(greatest(released_micro, 0)) AS plus,
    sum(least(released_micro, 0)) AS minus,
    sum(accrued_micro) - sum(released_micro) AS waiting
  FROM commission_line GROUP BY ALL
),
with_now AS (
  SELECT * FROM months
  UNION ALL
  SELECT DISTINCT agent_id, $period, 0, 0, 0 FROM months
  WHERE agent_id NOT IN (SELECT agent_id FROM months WHERE period = $period)
),
steps AS (
  SELECT *, row_number() OVER (PARTITION BY agent_id ORDER BY period) AS step FROM with_now
),
walked AS (
  SELECT
    agent_id, period, step, plus, minus, CAST(0 AS HUGEINT) AS carried_in,
    greatest(plus + minus, 0) AS payable, least(plus + minus, 0) AS carried_out, waiting
  FROM steps WHERE step = 1
  UNION ALL
  SELECT
    steps.agent_id, steps.period, steps.step, steps.plus, steps.minus, walked.carried_out,
    greatest(walked.carried_out + steps.plus + steps.minus, 0), least(walked.carried_out + steps.plus + steps.minus, 0),
    walked.waiting + steps.waiting
  FROM walked JOIN steps ON steps.agent_id = walked.agent_id AND steps.step = walked.step + 1
),
pairs AS (
  SELECT coalesce(again.agent_id, stored.agent_id) AS document, stored.*, again.* EXCLUDE (agent_id, period, step)
  FROM (SELECT * FROM walked WHERE period = $period) AS again
  FULL JOIN agent_balance AS stored ON stored.agent_id = again.agent_id
)
SELECT document, 'carried_in_micro' AS measure, coalesce(carried_in_micro, 0) AS first, coalesce(carried_in, 0) AS second
FROM pairs
UNION ALL SELECT document, 'earned_micro', coalesce(earned_micro, 0), coalesce(plus, 0) FROM pairs
UNION ALL SELECT document, 'taken_back_micro', coalesce(taken_back_micro, 0), coalesce(minus, 0) FROM pairs
UNION ALL SELECT document, 'payable_micro', coalesce(payable_micro, 0), coalesce(payable, 0) FROM pairs
UNION ALL SELECT document, 'carried_out_micro', coalesce(carried_out_micro, 0), coalesce(carried_out, 0) FROM pairs
UNION ALL SELECT document, 'not_yet_micro', coalesce(not_yet_micro, 0), coalesce(waiting, 0) FROM pairs
