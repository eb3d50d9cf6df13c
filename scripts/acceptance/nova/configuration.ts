/** The configuration files of the services, as oslo.config reads them. */
import { join } from 'node:path';

/** Where the services find each other. */
export interface Places {
  /** The folder of everything. */
  readonly folder: string;
  /** The loopback address of everything. */
  readonly address: string;
  readonly ports: {
    readonly mariadb: number;
    readonly rabbitmq: number;
    readonly nova: number;
    readonly placement: number;
  };
  /** What stands for the other services of the cloud, such as http://127.0.0.1:5000. */
  readonly beside: string;
}

type Sections = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

const textOf = (sections: Sections): string =>
  Object.entries(sections)
    .map(
      ([name, options]) =>
        `[${name}]\n${Object.entries(options)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('\n');

/** The user and password of the database. */
export const DATABASE_USER = 'acceptance';

/** The URL of a database. */
export const databaseUrl = (name: string, { address, ports }: Places): string =>
  `mysql+pymysql://${DATABASE_USER}:${DATABASE_USER}@${address}:${ports.mariadb}/${name}`;

/** How the services say to Keystone who they are. */
function loginOf({ beside }: Places) {
  const user = { username: 'nova', password: 'nova', project_name: 'service' };
  const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
  const keystone = `${beside}/identity/v3`;
  return {
    auth_type: 'password',
    auth_url: keystone,
    www_authenticate_uri: keystone,
    region_name: 'RegionOne',
    ...user,
    ...domains,
  };
}

/** No token is kept: what Keystone has forgotten is refused at once. */
const tokenCheck = (places: Places) => ({ ...loginOf(places), token_cache_time: -1 });

/** The configuration of placement. */
export function placementConfiguration(places: Places): string {
  return textOf({
    api: { auth_strategy: 'keystone' },
    placement_database: { connection: databaseUrl('placement', places) },
    keystone_authtoken: tokenCheck(places),
    oslo_policy: { policy_dirs: join(places.folder, 'no_policies') },
  });
}

/** Waits are short, so that a dead nova-compute is seen as down soon. A host copies `LIVE_AT_ONCE` instances at a time; more wait. */
export const LIVE_AT_ONCE = 2;

/** The configuration of the services of one host. @param role only the control host has a way to the database */
export function novaConfiguration(host: string, role: 'control' | 'compute', places: Places): string {
  const { folder, address, ports, beside } = places;
  const own = join(folder, host);
  const login = loginOf(places);
  return textOf({
    DEFAULT: {
      ...{
        host,
        my_ip: address,
        state_path: own,
        instances_path: join(own, 'instances'),
        lock_path: join(folder, 'locks'),
      },
      transport_url: `rabbit://guest:guest@${address}:${ports.rabbitmq}/`,
      compute_driver: 'hypervisor.Hypervisor',
      ...{ enabled_apis: 'osapi_compute', osapi_compute_listen: address, osapi_compute_listen_port: ports.nova },
      ...{
        osapi_compute_workers: 1,
        report_interval: 4,
        service_down_time: 16,
        max_concurrent_live_migrations: LIVE_AT_ONCE,
      },
      ...{ sync_power_state_interval: -1, vif_plugging_timeout: 0, force_config_drive: false },
    },
    api: { auth_strategy: 'keystone' },
    ...(role === 'control' && {
      api_database: { connection: databaseUrl('nova_api', places) },
      database: { connection: databaseUrl('nova', places) },
    }),
    conductor: { workers: 1 },
    scheduler: { workers: 1 },
    quota: { instances: -1, cores: -1, ram: -1 },
    keystone_authtoken: tokenCheck(places),
    placement: login,
    neutron: { ...login, endpoint_override: `${beside}/network` },
    glance: { endpoint_override: `${beside}/image` },
    cinder: { catalog_info: 'volumev3:cinderv3:internalURL' },
    notifications: { notification_format: 'versioned', notify_on_state_change: 'vm_and_task_state' },
    oslo_messaging_notifications: { driver: 'messagingv2' },
    oslo_concurrency: { lock_path: join(folder, 'locks') },
    oslo_policy: { policy_dirs: join(folder, 'no_policies') },
    vnc: { enabled: false },
  });
}
