-- zh: 运营商结算合计，按运营商、资费与类型
-- en: What we owe each carrier, by plan version and kind
SELECT
  line.carrier_id,
  carrier.carrier_name,
  line.usage_period,
  line.settlement_rate_id,
  line.kind,
  line.vat_rate_bp,
  count(*) AS line_count,
  CAST(sum(line.call_count) AS BIGINT) AS call_count,
  CAST(sum(line.billed_seconds) AS BIGINT) AS billed_seconds,
  CAST(sum(line.gross) AS DECIMAL(18, 2)) AS gross,
  CAST(sum(line.net) AS DECIMAL(18, 2)) AS net,
  CAST(sum(line.tax) AS DECIMAL(18, 2)) AS tax
FROM settlement_line AS line
LEFT JOIN carrier ON carrier.carrier_id = line.carrier_id
GROUP BY ALL
ORDER BY line.carrier_id, line.usage_period, line.settlement_rate_id, line.kind
