from billing.core import money
