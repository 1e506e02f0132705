/** The fields of the page's forms. */
export const fields = { act: 'act', token: 'form_token', app: 'app' } as const;

/** What a form asks for. */
export const acts = ['sign-in', 'end', 'end-all', 'sign-out'] as const;

/** What a redirect to the page tells the member, by the parameter `notice`. Each changes only words. */
export const notices = ['again', 'denied', 'failed', 'gone', 'left', 'signedOut', 'unavailable'] as const;

export type Notice = (typeof notices)[number];

/** The parameters of such a redirect. `ended` has the reference under which grants were ended. */
export const told = { notice: 'notice', reference: 'reference', ended: 'ended' } as const;
