import { tokens } from '../support/payer/answers.ts';
import { connect, login, redeem } from './client.ts';
import { promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';

/** What a redemption gives. */
export const answers: readonly Requirement[] = promises({
  'SMART App Launch 2.2: answers with an opaque Bearer token, expires_in, scope, patient and a refresh token': async (
    target,
  ) => {
    const issued = await connect(target);
    expect(issued).toEqual({
      access_token: expect.stringMatching(/^p2pa_[\w-]+$/),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'launch/patient patient/*.rs offline_access',
      patient: patientId,
      grant_id: expect.stringMatching(/^[\w-]{22}$/),
      refresh_token: expect.stringMatching(/^p2pr_[\w-]+$/),
    });
    expect(issued.expires_in).toBeGreaterThan(3500);
    expect(issued.expires_in).toBeLessThanOrEqual(3600);
  },
  'RFC 6749 §5.1: allows no token to be stored: no-store, no-cache': async (target) => {
    const { headers } = await redeem(target, await login(target));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(headers.get('content-type')).toBe('application/json');
  },
  'SMART App Launch 2.2: gives a refresh token only for offline_access': async (target) => {
    const issued = await connect(target, { scope: 'launch/patient patient/Patient.rs' });
    expect(issued.refresh_token).toBeUndefined();
    expect(issued.scope).toBe('launch/patient patient/Patient.rs');
    const unregistered = await connect(target, {}, { app: target.apps.flooding });
    expect(unregistered.refresh_token).toBeUndefined();
    expect(unregistered.scope).toBe('launch/patient patient/*.rs');
  },
  'RFC 6749 §3.3: gives a partner that asks for no scope the scope it is registered for': async (target) => {
    const { scope } = await connect(target, {}, { app: target.apps.narrow });
    expect(scope).toBe('patient/Patient.rs patient/Observation.r offline_access');
  },
  "OWASP ASVS 10.4.8: lets an access token live no longer than a payer's token that cannot be refreshed": async (
    target,
  ) => {
    target.payers.script('clear-health', { token: tokens({ refresh_token: undefined, expires_in: 90 }) });
    const issued = await connect(target);
    expect(issued.expires_in).toBeGreaterThan(80);
    expect(issued.expires_in).toBeLessThanOrEqual(90);
  },
});
