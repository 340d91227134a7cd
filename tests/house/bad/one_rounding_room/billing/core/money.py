from decimal import Decimal

shown = Decimal("1.005").quantize(Decimal("0.01"))
