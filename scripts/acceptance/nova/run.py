"""Runs one service of Nova with the hypervisor that lies beside this file: run.py SERVICE [ARGUMENTS...]"""
import importlib
import os
import sys

COMMANDS = {
    'nova-api-os-compute': 'nova.cmd.api_os_compute',
    'nova-compute': 'nova.cmd.compute',
    'nova-conductor': 'nova.cmd.conductor',
    'nova-scheduler': 'nova.cmd.scheduler',
}
sys.argv = sys.argv[1:]
command = importlib.import_module(COMMANDS[sys.argv[0]])
# Nova takes drivers from below nova.virt only.
importlib.import_module('nova.virt').__path__.append(os.path.dirname(os.path.abspath(__file__)))
command.main()
