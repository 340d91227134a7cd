codes = []
