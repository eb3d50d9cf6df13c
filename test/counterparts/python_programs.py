"""Runs Python programs, one after the other, each in a process that is forked from this one: what they import is loaded once, and that
is most of what they cost. Each ends as it would alone.

usage: python_programs.py FOLDERS MODULE...

FOLDERS, with colons between them, are searched for modules before others; the modules are loaded at once. A JSON object in each line of
stdin names a program by its `path` or its `module`, with its `argv` and its `stdin`; what came of it goes to stdout in a line.
"""
import gc
import importlib
import json
import os
import runpy
import sys
import tempfile

sys.path[:0] = sys.argv[1].split(":")
for name in sys.argv[2:]:
    importlib.import_module(name)
# What is loaded now is never collected, so that no forked process copies it to look.
gc.freeze()

for line in sys.stdin:
    asked = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(asked["stdin"].encode())
    files[0].seek(0)
    child = os.fork()
    if child == 0:
        break
    _, status = os.waitpid(child, 0)
    for file in files:
        file.seek(0)
    said = {"stdout": files[1].read().decode(), "stderr": files[2].read().decode()}
    print(json.dumps({"exitCode": os.waitstatus_to_exitcode(status), **said}), flush=True)
else:
    sys.exit()

# Only in the forked process.
for at, file in enumerate(files):
    os.dup2(file.fileno(), at)
sys.stdin = open(0)
sys.argv = [asked.get("path") or asked["module"], *asked["argv"]]
if "path" in asked:
    runpy.run_path(asked["path"], run_name="__main__")
else:
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
