import billing.core.alone
import billing.core.money
