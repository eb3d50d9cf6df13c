#!/usr/bin/python3
"""A pretended BMC over pyghmi (Debian: python3-pyghmi). Unlike ipmi_sim it takes an NMI.

usage: pyghmi_bmc.py ADDRESS PORT

Says on stdout, a line each: `ready`; each command as it comes in; `is on` and `is off` at each change; `done` after each
line of stdin, which is `on` or `off` (what it is from now on), `hold` (each order waits, unanswered), `go` (one of them is
carried out) or `free` (none waits any more). It ends with its stdin. BMC_PASSWORD is the password of its user `admin`,
BMC_KG_KEY its K_g in hexadecimal, or empty.
"""

import os
import sys
import threading
import time

from pyghmi.ipmi.bmc import Bmc
from pyghmi.ipmi.private import session
from pyghmi.ipmi.private.serversession import ServerSession

# A question outside of a session, from one who has a session, ends pyghmi's process: this method is missing there. A client
# that waits for a slow BMC asks so whether anybody is there.
ServerSession.sessionless_data = lambda self, data, sockaddr: None


def say(line):
    print(line, flush=True)


class PretendedBmc(Bmc):
    def __init__(self, address, port):
        super().__init__({'admin': os.environ['BMC_PASSWORD']}, port=port, address=address)
        self.kg = bytes.fromhex(os.environ['BMC_KG_KEY']) or None
        self.power = 'on'
        self.hold = False
        self.go = threading.Semaphore(0)

    def obey(self, word):
        if word in ('on', 'off'):
            self.power = word
        elif word == 'go':
            self.go.release()
        else:
            self.hold = word == 'hold'
            if self.hold:
                self.go = threading.Semaphore(0)
            else:
                self.go.release()
        say('done')

    def take(self, command, power=None):
        say(command)
        if self.hold:
            self.go.acquire()
        if power is not None:
            self.power = power
            say('is ' + power)

    def get_power_state(self):
        say('status')
        return self.power

    def power_on(self):
        self.take('on', 'on')

    def power_off(self):
        self.take('off', 'off')

    def power_reset(self):
        self.take('reset')

    def power_shutdown(self):
        self.take('soft', 'off')

    def pulse_diag(self):
        self.take('diag')


def obey_stdin():
    for line in sys.stdin:
        bmc.obey(line.strip())
    os._exit(0)


address, port = sys.argv[1:]
bmc = PretendedBmc(address, int(port))
# pyghmi wakes its own thread by a datagram to 127.0.0.1, which does not reach a socket of another address: then its main thread
# waits until a client sends something, and the client may be waiting for it. It wakes nothing before that thread waits.
session.myself = address
while session.selectdeadline == 0:
    time.sleep(0.001)
threading.Thread(target=obey_stdin, daemon=True).start()
say('ready')
# A datagram that comes while another is worked on does not wake it: pyghmi's own 30 s would pass before it is looked at.
bmc.listen(timeout=0.05)
