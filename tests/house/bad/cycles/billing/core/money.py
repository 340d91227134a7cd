def yuan():
    from billing.core.findings import refuse
