import billing.tables.schema
