import polars as pl


def fee(path, row, amount_micro):
    price = float("0.1")
    frame = row.select(pl.col("fee").cast(pl.Float64), pl.col("fee").mean())
    share = 0.6
    tenth = amount_micro / 10
    net = pl.col("gross") / pl.col("rate")
    return path / "fees.csv", frame, price, share, tenth, net
