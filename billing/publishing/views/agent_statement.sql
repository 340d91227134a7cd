-- zh: 代理商佣金结算明细：计提与应付分列
-- en: Commission by agent, line by line: accrued and released apart
SELECT
  line.agent_id,
  agent.agent_name,
  line.period,
  line.customer_id,
  customer.customer_name,
  line.contract_id,
  line.rule,
  line.scheme,
  line.contract_year,
  line.base,
  line.rate_bp,
  line.share_bp,
  line.accrued,
  line.released,
  line.source,
  line.reason
FROM commission_line AS line
LEFT JOIN agent ON agent.agent_id = line.agent_id
LEFT JOIN customer ON customer.customer_id = line.customer_id
ORDER BY line.agent_id, line.commission_key
