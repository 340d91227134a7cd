-- zh: 账单逐行明细，附客户
-- en: Every line of every bill with its customer
SELECT
  invoice.invoice_key,
  invoice.invoice_number,
  invoice.period,
  invoice.customer_id,
  invoice.customer_name,
  line.line_number,
  line.contract_id,
  line.agent_id,
  line.service_number,
  line.kind,
  line.item,
  line.usage_period,
  line.rate_id,
  line.usage_key,
  line.call_count,
  line.quantity,
  line.quantity_unit,
  line.tax_code,
  line.vat_rate_bp,
  line.gross,
  line.net,
  line.tax,
  line.explanation
FROM invoice_line AS line
JOIN invoice ON invoice.invoice_key = line.invoice_key
ORDER BY invoice.invoice_key, line.line_number
