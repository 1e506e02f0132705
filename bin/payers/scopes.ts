/** `patient/Observation.rs` is covered by itself and by `patient/*.rs`. */
const isCovered = (scope: string, listed: readonly string[]): boolean =>
  listed.includes(scope) || listed.includes(scope.replace(/^patient\/[A-Za-z]+\./, 'patient/*.'));

/**
 * Compares `scopes_supported` with what the gateway asks for. A server need not list all that it takes (RFC 8414 §2),
 * and large ones list no scope for reading at all; so only a list that has such scopes, and not ours, tells something.
 * @returns what differs and what to do, or undefined
 */
export const compareScopes = (
  listed: readonly string[] | undefined,
  asked: readonly string[],
): readonly [text: string, todo: string] | undefined => {
  const reading = (listed ?? []).filter((scope) => scope.startsWith('patient/'));
  const lacking = asked.filter((scope) => scope.startsWith('patient/') && !isCovered(scope, reading));
  if (listed === undefined || reading.length === 0 || lacking.length === 0) return undefined;
  const more = reading.length > 6 ? ` and ${reading.length - 6} more` : '';
  return [
    `scopes_supported lacks ${lacking.join(', ')} (it has ${reading.slice(0, 6).join(', ')}${more})`,
    'write as scopes what the payer lists, or ask the payer whether it takes ours',
  ];
};

/** What to ask a payer for, from what it lists and can do (SMART App Launch 2.2 §8.1.4); all of it where it says nothing. */
export const scopesFor = (
  listed: readonly string[] | undefined,
  capabilities: readonly string[] | undefined,
): string[] => {
  const knows = (scope: string, capability: string): boolean =>
    (listed === undefined && capabilities === undefined) ||
    listed?.includes(scope) === true ||
    capabilities?.includes(capability) === true;
  const reading =
    listed?.find((scope) => scope === 'patient/*.rs') ??
    listed?.find((scope) => scope === 'patient/*.read') ??
    (capabilities?.includes('permission-v1') === true && !capabilities.includes('permission-v2')
      ? 'patient/*.read'
      : 'patient/*.rs');
  return [
    ...(knows('launch/patient', 'context-standalone-patient') ? ['launch/patient'] : []),
    reading,
    ...(knows('offline_access', 'permission-offline') ? ['offline_access'] : []),
  ];
};
