/** What passes through the gateway and must stay secret. */
export type Kind =
  | 'partner secret'
  | 'partner assertion'
  | 'partner state'
  | 'partner verifier'
  | 'our state'
  | 'login cookie'
  | 'consent token'
  | 'code'
  | 'access token'
  | 'refresh token'
  | 'drawn bytes'
  | 'link key'
  | 'rotation salt'
  | 'payer code'
  | 'payer token'
  | 'payer id_token'
  | 'identity'
  | 'member'
  | 'payer secret'
  | 'our assertion'
  | 'patient id'
  | 'resource'
  | 'search'
  | 'payer header'
  | 'payer outcome'
  | 'payer error'
  | 'AWS error'
  | 'malformed'
  | 'scope'
  | 'refresh scope'
  | 'parameter name'
  | 'path'
  | 'thrown';

/** Where something may appear. */
export type Place =
  | 'log line'
  | 'crash output'
  | 'request log'
  | 'error answer'
  | 'scope refusal'
  | 'parameter refusal'
  | 'error redirect'
  | 'redirect to the payer'
  | 'redirect to the partner'
  | 'consent page'
  | 'token answer'
  | 'read answer'
  | 'other answer'
  | 'request to the payer'
  | 'write to a table'
  | 'object of the bucket'
  | 'history of the job'
  | "a grant's link key"
  | 'audit item'
  | 'audit event'
  | 'audit object name'
  | 'AWS resource name';

/** What may be where. Anything not listed here may not be there, in any spelling. */
export const mayBe: Readonly<Record<Place, readonly Kind[]>> = {
  'log line': [],
  'crash output': [],
  // For the person who watches the local stack; API Gateway's access log has only the route.
  'request log': ['path', 'patient id'],
  'error answer': ['payer outcome'],
  // A refresh that widens the scope, or leaves nothing to read, names the scope to the app that requested it.
  'scope refusal': ['refresh scope'],
  // A parameter that no resource type has is named to the app that sent it, without its value.
  'parameter refusal': ['parameter name'],
  // RFC 6749 §4.1.2.1 requires the state in the answer. A malformed scope is named to the app that requested it.
  'error redirect': ['partner state', 'scope'],
  // The cookie is in the same answer.
  'redirect to the payer': ['our state', 'login cookie', 'drawn bytes'],
  'redirect to the partner': ['partner state', 'code', 'drawn bytes'],
  // The form carries the request's parameters.
  'consent page': ['partner state', 'consent token', 'drawn bytes'],
  'token answer': ['access token', 'refresh token', 'drawn bytes', 'patient id'],
  'read answer': ['patient id', 'path', 'resource', 'search', 'payer header'],
  // Introspection names the patient to the client that owns the token.
  'other answer': ['patient id'],
  'request to the payer': [
    'payer code',
    'payer token',
    'payer secret',
    'our assertion',
    'identity',
    'member',
    'patient id',
    'resource',
    'search',
    'path',
    // Our verifier there (RFC 7636), and the id of an assertion.
    'drawn bytes',
  ],
  'write to a table': ['patient id', 'rotation salt'],
  'object of the bucket': [],
  'history of the job': [],
  "a grant's link key": ['link key'],
  'audit item': ['patient id'],
  'audit event': ['patient id'],
  'audit object name': [],
  'AWS resource name': [],
};
