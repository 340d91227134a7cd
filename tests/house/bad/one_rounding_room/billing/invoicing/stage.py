import polars as pl
from decimal import Decimal

total = pl.col("amount").round(2)
shown = Decimal("1.005").quantize(Decimal("0.01"))
cut = round(7, -1)
