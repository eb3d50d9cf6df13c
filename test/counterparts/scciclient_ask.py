"""Sends SCCI commands with Debian's python3-scciclient: a JSON object in each line of stdin, what came of it in a line of stdout.

All in one process, as the imports alone take a second; side by side, as some commands wait for their timeouts.
"""
import json
import sys
import threading
import types

from scciclient.irmc import scci

# It rests for 3 s after some commands; here there is no BMC to be spared.
scci.time = types.SimpleNamespace(sleep=lambda seconds: None)


def ask(order):
    client = scci.get_client(
        order["host"],
        order["username"],
        order["password"],
        port={"http": 80, "https": 443}[order["scheme"]],
        auth_method=order["authMethod"],
        client_timeout=order["timeoutS"],
        do_async=True,
        verify=order["authority"] or False,
    )
    try:
        client(getattr(scci, order["command"]))
        outcome = "done"
    except Exception as error:  # some of its own faults come through
        outcome = f"{type(error).__name__}: {error}"
    print(json.dumps({"id": order["id"], "outcome": outcome}), flush=True)


for line in sys.stdin:
    threading.Thread(target=ask, args=(json.loads(line),), daemon=True).start()
