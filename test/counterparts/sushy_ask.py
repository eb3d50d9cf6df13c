"""Asks a Redfish service with Debian's python3-sushy, Ironic's own client: what is asked comes as JSON on stdin, what came of it goes to
stdout as JSON."""
import json
import sys
import warnings

import sushy
from sushy import auth

warnings.simplefilter("ignore")
asked = json.load(sys.stdin)
login = {"basic": auth.BasicAuth, "session": auth.SessionAuth, "auto": auth.SessionOrBasicAuth}[asked["auth"]]
service = sushy.Sushy(asked["address"], auth=login(asked["username"], asked["password"]), verify=False)
system = service.get_system(asked["system"])
before = system.power_state
for reset in asked["resets"]:
    system.reset_system(sushy.ResetType(reset))
system.refresh()
allowed = sorted(value.value for value in system.get_allowed_reset_system_values())
print(json.dumps({"before": before.value, "after": system.power_state.value, "uuid": system.uuid, "allowed": allowed}))
if asked["auth"] != "basic":
    service._auth.close()
