-- a real comment
select amount_micro::double / 1000000 as amount
