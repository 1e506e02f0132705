/** The fields of the page's forms. */
export const fields = { act: 'act', token: 'form_token', app: 'app' } as const;

/** The actions that a form can request. */
export const acts = ['sign-in', 'end', 'end-all', 'sign-out'] as const;

/** The values of the parameter `notice`, which selects a message for the member and changes nothing else. */
export const notices = ['again', 'denied', 'failed', 'gone', 'left', 'signedOut', 'unavailable'] as const;

export type Notice = (typeof notices)[number];

/** The parameters of a redirect to the page. `ended` is the reference of the request that ended grants. */
export const told = { notice: 'notice', reference: 'reference', ended: 'ended' } as const;
