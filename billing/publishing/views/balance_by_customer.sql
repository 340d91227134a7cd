-- zh: 客户往来余额：期初、本期收款、本期账单、期末、应缴；负数为客户预存
-- en: Balance by customer over its contracts: opening, received, billed, closing, payable; negative is money of the customer
SELECT
  balance.customer_id,
  any_value(customer.customer_name) AS customer_name,
  count(*) AS contract_count,
  CAST(sum(balance.opening) AS DECIMAL(18, 2)) AS opening,
  CAST(sum(balance.received) AS DECIMAL(18, 2)) AS received,
  CAST(sum(balance.billed) AS DECIMAL(18, 2)) AS billed,
  CAST(sum(balance.closing) AS DECIMAL(18, 2)) AS closing,
  CAST(sum(balance.payable) AS DECIMAL(18, 2)) AS payable
FROM account_balance AS balance
LEFT JOIN customer ON customer.customer_id = balance.customer_id
GROUP BY balance.customer_id
ORDER BY balance.customer_id
