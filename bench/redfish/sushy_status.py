"""Reads the power state of many BMCs with Debian's python3-sushy, Ironic's own client. Arguments: how many at once, how many of them
answer, the file with their places, user and password. Prints a line for each: its place, what it said, and after how many
milliseconds. Ends when all that answer have answered: sushy waits for the others without a limit."""
import concurrent.futures
import itertools
import os
import sys
import threading
import time
import warnings

import sushy
from sushy import auth

warnings.simplefilter("ignore")
at_once, answering, file, username, password = sys.argv[1:]
places = open(file, encoding="utf8").read().split()
started = time.monotonic()
done = itertools.count(1)
lock = threading.Lock()


def read(place):
    try:
        login = auth.BasicAuth(username, password)
        service = sushy.Sushy(f"https://{place}", auth=login, verify=False)
        said = service.get_system("/redfish/v1/Systems/1").power_state.value
    except Exception as error:  # it has to go on with the others
        said = type(error).__name__
    # One at a time: lines must not be mixed, and none may be missing at the end.
    with lock:
        print(place, said, round((time.monotonic() - started) * 1000), flush=True)
        if next(done) == int(answering):
            os._exit(0)


with concurrent.futures.ThreadPoolExecutor(int(at_once)) as pool:
    list(pool.map(read, places))
