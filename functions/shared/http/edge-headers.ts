import { headerText, type ApiEvent } from './api.ts';

/** What CloudFront adds to a request, if the stage has an edge. */
export interface EdgeFacts {
  /** The caller's address, without the port. */
  readonly address?: string;
  /** CloudFront's request id: `x-edge-request-id` in its own log. */
  readonly edgeRequestId?: string;
}

/** Requested in the distribution's origin request policy. CloudFront overwrites whatever the caller sent. */
export const viewerAddressHeader = 'CloudFront-Viewer-Address';

/**
 * Who asked, for the log line. The API itself sees only CloudFront's address. Only values with the form of an address
 * or of CloudFront's id are logged.
 */
export const edgeFacts = (event: ApiEvent): EdgeFacts => {
  const address = /^([\d.]{7,15}|[\da-f:.]{2,45}):\d{1,5}$/i.exec(
    headerText(event, viewerAddressHeader.toLowerCase()),
  )?.[1];
  const edgeRequestId = /^[\w=-]{20,80}$/.exec(headerText(event, 'x-amz-cf-id'))?.[0];
  return {
    ...(address === undefined ? {} : { address }),
    ...(edgeRequestId === undefined ? {} : { edgeRequestId }),
  };
};
