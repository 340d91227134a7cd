-- zh: 各客户毛利：不含税收入减结算成本减佣金；一个号码有多个合同时，结算成本按其话单结算额分摊
-- en: Margin by customer, without VAT; the cost of a number with several contracts is divided by its calls' settlement
WITH used AS (
  SELECT service_number, contract_id, CAST(sum(settlement) * 1000000 AS HUGEINT) AS weight
  FROM usage_total
  GROUP BY service_number, contract_id
  HAVING sum(settlement) > 0
),
weights AS (
  SELECT service_number, contract_id, weight FROM used
  UNION ALL
  SELECT service_number, arg_max(contract_id, valid_from), CAST(1 AS HUGEINT)
  FROM subscription
  WHERE service_number NOT IN (SELECT service_number FROM used)
    AND valid_from < (SELECT max(CAST(period || '-01' AS DATE)) + INTERVAL 1 MONTH FROM settlement_line)
  GROUP BY service_number
),
shares AS (
  SELECT
    service_number,
    contract_id,
    weight,
    sum(weight) OVER (PARTITION BY service_number ORDER BY contract_id ROWS UNBOUNDED PRECEDING) AS upto,
    sum(weight) OVER (PARTITION BY service_number) AS whole
  FROM weights
),
settled AS (
  SELECT service_number, CAST(sum(net) * 100 AS HUGEINT) AS fen FROM settlement_line GROUP BY service_number
),
amounts AS (
  SELECT customer_id, net AS revenue, CAST(0 AS DECIMAL(18, 2)) AS settlement, CAST(0 AS DECIMAL(18, 2)) AS commission
  FROM invoice
  UNION ALL
  SELECT
    contract.customer_id,
    0,
    CAST(coalesce(
      settled.fen * shares.upto // shares.whole - settled.fen * (shares.upto - shares.weight) // shares.whole,
      settled.fen
    ) AS DECIMAL(18, 0)) * CAST(0.01 AS DECIMAL(2, 2)),
    0
  FROM settled
  LEFT JOIN shares ON shares.service_number = settled.service_number
  LEFT JOIN contract ON contract.contract_id = shares.contract_id
  UNION ALL
  SELECT customer_id, 0, 0, accrued FROM commission_line
)
SELECT
  amounts.customer_id,
  customer.customer_name,
  CAST(sum(amounts.revenue) AS DECIMAL(18, 2)) AS revenue_net,
  CAST(sum(amounts.settlement) AS DECIMAL(18, 2)) AS settlement_net,
  CAST(sum(amounts.commission) AS DECIMAL(18, 2)) AS commission,
  CAST(sum(amounts.revenue) - sum(amounts.settlement) - sum(amounts.commission) AS DECIMAL(18, 2)) AS margin
FROM amounts
LEFT JOIN customer ON customer.customer_id = amounts.customer_id
GROUP BY amounts.customer_id, customer.customer_name
ORDER BY amounts.customer_id
