from billing.core.money import yuan
