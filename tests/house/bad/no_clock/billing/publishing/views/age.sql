select current_date - usage_date as age, now() as at
