import datetime as dt
import time
from time import time_ns

noon = dt.time(12)
now = dt.datetime.now()
today = dt.date.today()
