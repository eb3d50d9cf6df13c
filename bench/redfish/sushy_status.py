"""Reads the power state of many BMCs with Debian's python3-sushy, Ironic's own client. Arguments: how many at once, the file with
their places, user and password. Prints a line for each: its place, what it said, and after how many milliseconds."""
import concurrent.futures
import sys
import time
import warnings

import sushy
from sushy import auth

warnings.simplefilter("ignore")
at_once, file, username, password = sys.argv[1:]
places = open(file, encoding="utf8").read().split()
started = time.monotonic()


def read(place):
    try:
        login = auth.BasicAuth(username, password)
        service = sushy.Sushy(f"https://{place}", auth=login, verify=False)
        said = service.get_system("/redfish/v1/Systems/1").power_state.value
    except Exception as error:  # it has to go on with the others
        said = type(error).__name__
    print(place, said, round((time.monotonic() - started) * 1000), flush=True)


with concurrent.futures.ThreadPoolExecutor(int(at_once)) as pool:
    list(pool.map(read, places))
