/** A page of a Redfish service, as an object. */
export type Page = Readonly<Record<string, unknown>>;
