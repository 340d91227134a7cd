import polars as pl

seconds = pl.col("talk_ms").cast(pl.Int32)
blocks = pl.lit(1, dtype=pl.UInt16)
total = pl.col("seconds").cast(pl.Int64)
