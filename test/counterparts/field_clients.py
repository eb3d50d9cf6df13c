"""The clients that people of OpenStack have (Debian: python3-ironicclient, python3-watcherclient, python3-openstackclient,
python3-openstacksdk), in one process: each line on stdin is a JSON object that asks for one command or one call of the SDK, and what
came of it goes to stdout as one JSON object."""
import contextlib
import io
import json
import logging
import sys
import traceback
import warnings

warnings.simplefilter("ignore")


def main_of(program):
    if program == "baremetal":
        from ironicclient import shell
    elif program == "watcher":
        from watcherclient import shell
    else:
        from openstackclient import shell
    return shell.main


def run(program, argv):
    """One command, as its program would run it. A command has handlers of its own for the log, which do not outlive it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main_of(program)(argv)
        except SystemExit as ended:
            code = ended.code
        except Exception:
            traceback.print_exc()
            code = 70
    for name in [None, *list(logging.root.manager.loggerDict)]:
        for handler in list(logging.getLogger(name).handlers):
            logging.getLogger(name).removeHandler(handler)
    return {"exitCode": code or 0, "stdout": out.getvalue(), "stderr": err.getvalue()}


def known(fields):
    """What of a thing is known: the SDK has None for every field that was not sent."""
    return {name: value for name, value in fields.items() if value is not None and name not in ("links", "location")}


def call(url, name, args, kwargs):
    """One call of openstacksdk's bare-metal proxy."""
    import openstack

    connection = openstack.connection.Connection(
        auth_type="none", auth={"endpoint": url}, baremetal_endpoint_override=url
    )
    try:
        result = getattr(connection.baremetal, name)(*args, **kwargs)
        if name in ("get", "put"):
            result = {"status": result.status_code, "body": result.json() if result.content else None}
        elif hasattr(result, "to_dict"):
            result = known(result.to_dict())
        elif hasattr(result, "__next__"):
            result = [known(each.to_dict()) for each in result]
        return {"result": result}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def repeat(url, name, args, kwargs):
    """One call of the Python API of ironicclient, with a request id of the caller's own if one is given."""
    from ironicclient import client

    request_id = kwargs.pop("global_request_id", None)
    ironic = client.get_client(1, endpoint=url, auth_type="none", global_request_id=request_id)
    try:
        return {"result": getattr(ironic.node, name)(*args, **kwargs)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    asked = json.loads(line)
    if "program" in asked:
        came = run(asked["program"], asked["argv"])
    else:
        ask = call if asked["api"] == "sdk" else repeat
        came = ask(asked["url"], asked["name"], asked["args"], asked["kwargs"])
    print(json.dumps({"id": asked["id"], **came}, default=lambda thing: getattr(thing, "__dict__", str(thing))), flush=True)
