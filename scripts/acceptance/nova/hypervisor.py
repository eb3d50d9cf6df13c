"""A hypervisor without guests for nova-compute: Nova's own fake one, whose migrations take a while, can be aborted, and fail as they are told.

What happens to an instance stands in the JSON file that ACCEPTANCE_TRAITS names, below its uuid, or below "*" for all others. It is read at
each step, so it can change while a migration runs:

  live_seconds, cold_seconds, prepare_seconds, confirm_seconds   how long each step takes
  stuck            a live migration never converges
  fails            the step that fails: "check", "prepare", "start", "copy", "shut_down" or "finish"
  refuses_abort    the abort of a live migration raises, as an old hypervisor's does
"""
import json
import os
import time

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import power_state
from nova.virt import fake

DEFAULTS = {'live_seconds': 2, 'cold_seconds': 1, 'prepare_seconds': 0, 'confirm_seconds': 0}
STEP_SECONDS = 0.1
MEMORY = 512 << 20


def traits_of(instance):
    try:
        with open(os.environ['ACCEPTANCE_TRAITS']) as file:
            told = json.load(file)
    except (OSError, ValueError):
        told = {}
    return {**DEFAULTS, **told.get('*', {}), **told.get(instance.uuid, {})}


def fail_if(instance, step, error):
    if traits_of(instance).get('fails') == step:
        raise error


class Hypervisor(fake.FakeDriver):
    vcpus, memory_mb, local_gb = 64, 131072, 4000

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        # Per instance that is being copied: whether its copy must be aborted.
        self.copying = {}

    def init_host(self, host):
        super().init_host(host)
        # Guests outlive their nova-compute, as those of a real hypervisor do.
        for instance in objects.InstanceList.get_by_host(nova_context.get_admin_context(), host):
            if instance.power_state in (power_state.RUNNING, power_state.SHUTDOWN):
                self.instances[instance.uuid] = fake.FakeInstance(instance.name, instance.power_state, instance.uuid)

    def check_can_live_migrate_destination(self, context, instance, *args, **kwargs):
        fail_if(instance, 'check', exception.MigrationPreCheckError(reason='the processor of the destination is too old'))
        return super().check_can_live_migrate_destination(context, instance, *args, **kwargs)

    def pre_live_migration(self, context, instance, *args, **kwargs):
        fail_if(instance, 'prepare', exception.NovaException('the destination cannot prepare'))
        time.sleep(traits_of(instance)['prepare_seconds'])
        return super().pre_live_migration(context, instance, *args, **kwargs)

    def live_migration(self, context, instance, dest, post_method, recover_method, block_migration=False, migrate_data=None):
        if traits_of(instance).get('fails') == 'start':
            recover_method(context, instance, dest, migrate_data)
            raise exception.NovaException('the guest refuses to be copied')
        self.copying[instance.uuid] = False
        how = self.copy(instance, migrate_data.migration)
        del self.copying[instance.uuid]
        if how == 'done':
            post_method(context, instance, dest, block_migration, migrate_data)
        elif how == 'aborted':
            recover_method(context, instance, dest, migrate_data, migration_status='cancelled')
        else:
            recover_method(context, instance, dest, migrate_data)

    def copy(self, instance, migration):
        begun = time.monotonic()
        written = None
        while True:
            traits = traits_of(instance)
            part = min(1, (time.monotonic() - begun) / max(traits['live_seconds'], STEP_SECONDS))
            if traits.get('stuck'):
                part = min(part, 0.9)
            if written is None or time.monotonic() - written > 1:
                written = time.monotonic()
                migration.memory_total = MEMORY
                migration.memory_processed = int(MEMORY * part)
                migration.memory_remaining = MEMORY - migration.memory_processed
                migration.disk_total = migration.disk_processed = migration.disk_remaining = 0
                migration.save()
            if self.copying[instance.uuid]:
                return 'aborted'
            if part >= 0.5 and traits.get('fails') == 'copy':
                return 'failed'
            if part >= 1:
                return 'done'
            time.sleep(STEP_SECONDS)

    def live_migration_abort(self, instance):
        if traits_of(instance).get('refuses_abort'):
            raise exception.NovaException('this hypervisor does not abort')
        self.copying[instance.uuid] = True

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        self.destroy(context, instance, network_info=None, block_device_info=block_device_info)

    def migrate_disk_and_power_off(self, context, instance, *args, **kwargs):
        time.sleep(traits_of(instance)['cold_seconds'])
        fail_if(instance, 'shut_down', exception.ResizeError(reason='the disk cannot be copied'))
        return super().migrate_disk_and_power_off(context, instance, *args, **kwargs)

    def finish_migration(self, context, migration, instance, *args, **kwargs):
        fail_if(instance, 'finish', exception.NovaException('the destination cannot start the guest'))
        return super().finish_migration(context, migration, instance, *args, **kwargs)

    def confirm_migration(self, context, migration, instance, network_info):
        time.sleep(traits_of(instance)['confirm_seconds'])
        return super().confirm_migration(context, migration, instance, network_info)
