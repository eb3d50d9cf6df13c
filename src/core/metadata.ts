/** What stands beside the status of a call that has failed: names of gRPC's trailing metadata. */

/** Our code of the error. */
export const ERROR_CODE_KEY = 'countermand-error-code';

/** The details of the error, as gRPC's Status message. */
export const STATUS_DETAILS_KEY = 'grpc-status-details-bin';
