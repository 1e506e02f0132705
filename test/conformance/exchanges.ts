import { consentOf, exportType, formerPlanNpi, newPlanNpi } from '../support/new-plan.ts';
import { words } from '../support/words.ts';
import { connect, post, read } from './client.ts';
import { expectOAuthError, expectOutcome } from './expectations.ts';
import { call, locationOfExport, remove } from './exports-client.ts';
import {
  askSystemToken,
  asyncHeaders,
  codeOf,
  credentialsOf,
  exchanged,
  formerPlan,
  groups,
  known,
  startGroupExport,
  startMatch,
  systemToken,
} from './plan-client.ts';
import { inProcesses, localRequirement, promises, type Group, type Requirement } from './requirement.ts';
import { baseOf } from './target.ts';

/*
 * What PDex 2.2.0, SMART 2.2 Backend Services, Bulk Data 2.0.0 and HRex 1.1 ask of whoever answers a plan that asks for records,
 * or of whoever asks: the gateway is the one to the new plan, and the other to the former plan. The numbers are those that PDex
 * gives its requirements.
 */

const backend = 'SMART App Launch 2.2 Backend Services';
const asymmetric = 'SMART App Launch 2.2 private_key_jwt';
const bulk = 'Bulk Data 2.0.0';

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

const tokens: readonly Requirement[] = promises({
  [`${backend}: gives a system token that lives for five minutes at most, and no refresh token`]: async (target) => {
    const answer = await askSystemToken(target);
    const given = (await answer.json()) as Readonly<Record<string, unknown>>;
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(given).toEqual({
      access_token: expect.stringMatching(/^\S+$/) as string,
      token_type: expect.stringMatching(/^bearer$/i) as string,
      expires_in: expect.any(Number) as number,
      scope: 'system/*.rs',
    });
    expect(given['expires_in']).toBeLessThanOrEqual(300);
  },
  [`${backend}: refuses a token request without a scope, or with one that it cannot give`]: async (target) => {
    for (const scope of [undefined, 'patient/*.rs', 'system/*.rs offline_access', 'system/*.cruds']) {
      await expectOAuthError(await askSystemToken(target, { change: { scope } }), 400, 'invalid_scope');
    }
  },
  [`${asymmetric}: refuses an assertion that is for longer than five minutes, has ended, is for another server, or comes twice`]:
    async (target) => {
      for (const claims of [
        { exp: inSeconds(900) },
        { exp: inSeconds(-120) },
        { aud: 'https://other.example.org/token' },
      ]) {
        await expectOAuthError(await askSystemToken(target, { claims }), 401, 'invalid_client');
      }
      const claims = { jti: `twice-${inSeconds(0)}` };
      expect((await askSystemToken(target, { claims })).status).toBe(200);
      await expectOAuthError(await askSystemToken(target, { claims }), 401, 'invalid_client');
    },
  [`${backend}: tells by discovery that a client may ask with an assertion of its own, and the scope`]: async (
    target,
  ) => {
    const url = `${baseOf(target, formerPlan)}/.well-known/smart-configuration`;
    const found = (await (await fetch(url)).json()) as Readonly<Record<string, readonly string[]>>;
    expect(found['grant_types_supported']).toContain('client_credentials');
    expect(found['token_endpoint_auth_methods_supported']).toContain('private_key_jwt');
    expect(found['token_endpoint_auth_signing_alg_values_supported']).toEqual(
      expect.arrayContaining(words('RS384 ES384')),
    );
    expect(found['capabilities']).toContain('client-confidential-asymmetric');
    expect(found['scopes_supported']).toContain('system/*.rs');
  },
  [`${backend}: opens nothing with a token that the plan has revoked`]: async (target) => {
    const token = await systemToken(target);
    expect((await groups(target, '/Group', token)).status).toBe(200);
    expect((await post(target, 'revoke', { token, ...(await credentialsOf(target)) })).status).toBe(200);
    await expectOutcome(await groups(target, '/Group', token), 401);
  },
  [`${backend}: opens no member's record with a system token, and no exchange with a member's`]: async (target) => {
    const token = await systemToken(target);
    for (const path of words(`/Patient /Observation?_count=1 /Patient/$export`)) {
      await expectOutcome(await read(target, path, token, { payer: formerPlan, headers: asyncHeaders }), 403);
    }
    const { access_token: ofMember } = await connect(target, {}, { payer: formerPlan });
    await expectOutcome(await startMatch(target, ofMember, [known('of-member')]), 401);
    await expectOutcome(await startGroupExport(target, ofMember, 'any'), 401);
  },
});

/** Expects that nothing of a match is begun, and that an issue is about this MemberBundle. */
const expectRefused = async (response: Response, at: number): Promise<void> => {
  const { resourceType, issue } = (await response.json()) as {
    readonly resourceType: string;
    readonly issue: readonly { readonly expression?: string[] }[];
  };
  expect([response.status, resourceType]).toEqual([400, 'OperationOutcome']);
  expect(response.headers.get('content-location')).toBeNull();
  expect(issue.flatMap(({ expression = [] }) => expression).join('\n')).toContain(`Parameters.parameter[${at}]`);
};

/** Starts an exchange that a test only wants to see begin. */
const begun = async (response: Response, token: string): Promise<void> => {
  expect(response.status).toBe(202);
  expect(locationOfExport(response)).toMatch(/^https?:\/\//);
  expect((await remove(locationOfExport(response), token)).status).toBe(202);
};

interface Parts {
  readonly part: readonly { readonly name: string; readonly resource: object }[];
}

/** A MemberBundle without one of its parts. */
const without = (bundle: object, name: string): object => ({
  ...bundle,
  part: (bundle as Parts).part.filter((one) => one.name !== name),
});

const npi = ({ value }: { readonly value: string }) => ({ ...newPlanNpi, value });
const actor = (system: string, code: string, identifier: object): object => ({
  role: { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] },
  reference: { identifier },
});
const actors = (source: object, recipient: object): readonly object[] => [
  actor('provenance-participant-type', 'performer', source),
  actor('v3-ParticipationType', 'IRCP', recipient),
];
const otherPlan = npi({ value: '9876543213' });

/** Each Consent that does not permit what is asked. */
const consents: Readonly<Record<string, ReturnType<typeof consentOf>>> = {
  'PDex 2.2 pdex-156: whose period has ended': consentOf(
    'b',
    {},
    { period: { start: '2020-01-01', end: '2020-12-31' } },
  ),
  'PDex 2.2 pdex-156: whose period has not begun': consentOf(
    'b',
    {},
    { period: { start: '2098-01-01', end: '2099-12-31' } },
  ),
  'HRex 1.1 Consent: that is not active': consentOf('b', { status: 'rejected' }),
  'HRex 1.1 Consent: that is about another member': consentOf('c'),
  'HRex 1.1 Consent: that names another recipient': consentOf('b', {}, { actor: actors(formerPlanNpi, otherPlan) }),
  'HRex 1.1 Consent: that names another plan as the one that may disclose': consentOf(
    'b',
    {},
    { actor: actors(otherPlan, newPlanNpi) },
  ),
  'HRex 1.1 Consent: that denies': consentOf('b', {}, { type: 'deny' }),
};

const match: readonly Requirement[] = [
  ...promises({
    'PDex 2.2 pdex-143: refuses a match without a token': async (target) => {
      await expectOutcome(await startMatch(target, undefined, [known('no-token')]), 401);
    },
    'PDex 2.2 pdex-146: takes a match by POST only': async (target) => {
      const token = await systemToken(target);
      const response = await read(target, '/Group/$bulk-member-match', token, {
        payer: formerPlan,
        headers: asyncHeaders,
      });
      expect(response.headers.get('allow')?.split(/, */)).toContain('POST');
      expect(response.headers.get('allow')?.split(/, */)).not.toContain('GET');
      await expectOutcome(response, 405);
    },
    'PDex 2.2 pdex-147: refuses a match without Prefer: respond-async, and names it': async (target) => {
      const response = await startMatch(target, await systemToken(target), [known('now')], { headers: { prefer: '' } });
      expect(await response.clone().text()).toContain('respond-async');
      await expectOutcome(response, 400);
    },
    'PDex 2.2 pdex-137: answers a match with 202 and an absolute Content-Location': async (target) => {
      const token = await systemToken(target);
      await begun(await startMatch(target, token, [known('begins')]), token);
    },
    'PDex 2.2 pdex-145: takes a match with the coverage at the new plan': async (target) => {
      const token = await systemToken(target);
      const bundle = known('linked') as Parts;
      const coverage = bundle.part.find(({ name }) => name === 'CoverageToMatch')?.resource;
      const linked = { ...coverage, id: 'coverage-link', payor: [{ identifier: newPlanNpi }] };
      const part = [...bundle.part, { name: 'CoverageToLink', resource: linked }];
      await begun(await startMatch(target, token, [{ ...bundle, part }]), token);
    },
  }),
  ...words('MemberPatient CoverageToMatch Consent').map((name) =>
    localRequirement(
      'PDex 2.2 pdex-144',
      `refuses a match if one member has no ${name}, and names that one`,
      async (target) => {
        const token = await systemToken(target);
        await expectRefused(await startMatch(target, token, [known('a'), without(known('b'), name)]), 1);
      },
    ),
  ),
  ...Object.entries(consents).map(([named, consent]) => {
    const [source = '', title] = named.split(': ');
    return localRequirement(source, `refuses a match if one member has a Consent ${title}`, async (target) => {
      const token = await systemToken(target);
      await expectRefused(await startMatch(target, token, [known('a'), known('b', { consent })]), 1);
    });
  }),
  ...promises({
    'HRex 1.1 Patient Demographics: refuses a match if one member has no name or no date of birth': async (target) => {
      const token = await systemToken(target);
      for (const patient of [{ name: [] }, { birthDate: undefined }]) {
        await expectRefused(await startMatch(target, token, [known('a'), known('b', { patient })]), 1);
      }
    },
    'HRex 1.1 Coverage: refuses a match if one coverage is another member’s, or at another plan': async (target) => {
      const token = await systemToken(target);
      for (const coverage of [{ beneficiary: { reference: 'Patient/a' } }, { payor: [{ identifier: otherPlan }] }]) {
        await expectRefused(await startMatch(target, token, [known('a'), known('b', { coverage })]), 1);
      }
    },
  }),
  ...promises({
    'PDex 2.2 pdex-136: brings a Group of matched and one of other members, as NDJSON': inProcesses(async (target) => {
      const { match: ended } = await exchanged(target);
      const brought = ended.resources.filter(({ resourceType }) => resourceType === 'Group');
      expect(brought.map(codeOf)).toEqual(['match', 'nomatch']);
    }),
    'PDex 2.2 pdex-150: names each member by the Patient as it was submitted, contained in the Group': inProcesses(
      async (target) => {
        const { match: ended } = await exchanged(target);
        const submitted = (known('shared-a') as Parts).part[0]?.resource;
        expect(ended.resources[0]?.contained?.filter(({ resourceType }) => resourceType === 'Patient')).toEqual([
          expect.objectContaining(submitted as object),
        ]);
      },
    ),
  }),
];

const ofGroups: readonly Requirement[] = promises({
  'PDex 2.2 pdex-188: shows and exports no Group without a token': async (target) => {
    for (const response of [
      await groups(target, '/Group', undefined),
      await groups(target, '/Group/any', undefined),
      await startGroupExport(target, undefined, 'any'),
    ]) {
      await expectOutcome(response, 401);
    }
  },
  'PDex 2.2 pdex-157: finds Groups by identifier and by characteristic, and refuses what it does not search':
    inProcesses(async (target) => {
      const { token, group } = await exchanged(target);
      const whole = (await (await groups(target, `/Group/${group}`, token)).json()) as {
        readonly identifier?: readonly { readonly system?: string; readonly value: string }[];
        readonly characteristic?: readonly {
          readonly code: { readonly coding: readonly { readonly code: string }[] };
        }[];
      };
      const found = async (query: string): Promise<readonly string[]> => {
        const { entry = [] } = (await (await groups(target, `/Group?${query}`, token)).json()) as {
          readonly entry?: readonly { readonly resource: { readonly id: string } }[];
        };
        return entry.map(({ resource }) => resource.id);
      };
      for (const { system = '', value } of whole.identifier ?? []) {
        expect(await found(`identifier=${encodeURIComponent(`${system}|${value}`)}`)).toContain(group);
      }
      for (const code of (whole.characteristic ?? []).flatMap((one) => one.code.coding.map((coding) => coding.code))) {
        expect(await found(`characteristic=${encodeURIComponent(code)}`)).toContain(group);
      }
      expect((whole.identifier ?? []).length + (whole.characteristic ?? []).length).toBeGreaterThan(0);
      expect(await found('identifier=no-such-group')).toEqual([]);
      expect(await found('characteristic=no-such-code')).toEqual([]);
      await expectOutcome(await groups(target, '/Group?managing-entity=x', token), 400);
    }),
  'PDex 2.2 pdex-161, pdex-163: shows a plan its own Groups, and no other plan’s': inProcesses(async (target) => {
    const { token, group } = await exchanged(target);
    const own = await groups(target, `/Group/${group}`, token);
    expect([own.status, ((await own.json()) as { readonly id: string }).id]).toEqual([200, group]);
    const other = await systemToken(target, 'third-plan');
    expect(await (await groups(target, '/Group', other)).json()).toMatchObject({ resourceType: 'Bundle', total: 0 });
    await expectOutcome(await groups(target, `/Group/${group}`, other), 404);
    await expectOutcome(await startGroupExport(target, other, group), 404);
  }),
});

const emptyBody = JSON.stringify({ resourceType: 'Parameters' });

const ofExports: readonly Requirement[] = promises({
  'PDex 2.2 pdex-139a, pdex-164: exports a Group by POST': inProcesses(async (target) => {
    const { token, spare: group } = await exchanged(target);
    await begun(await startGroupExport(target, token, group, { query: '', body: emptyBody }), token);
  }),
  'PDex 2.2 pdex-171: takes the exportType of payer-to-payer, and refuses another': inProcesses(async (target) => {
    const { token, spare: group } = await exchanged(target);
    const wrong = `?exportType=${encodeURIComponent(exportType.replace('payertopayer', 'provider-delta'))}`;
    await expectOutcome(await startGroupExport(target, token, group, { query: wrong }), 400);
    await begun(await startGroupExport(target, token, group), token);
  }),
  'PDex 2.2 pdex-173, pdex-177, pdex-178: takes _since, _until and _type': inProcesses(async (target) => {
    const { token, spare: group } = await exchanged(target);
    const query = `?_since=2026-01-01T00:00:00Z&_until=2026-06-30T00:00:00Z&_type=Patient`;
    await begun(await startGroupExport(target, token, group, { query }), token);
  }),
  'PDex 2.2 pdex-180d: refuses a _typeFilter that the former plan does not support': inProcesses(async (target) => {
    const { token, spare: group } = await exchanged(target);
    const query = `?_typeFilter=${encodeURIComponent('ExplanationOfBenefit?service-date=ge2021-01-01')}`;
    const response = await startGroupExport(target, token, group, { query });
    expect(await response.clone().text()).toContain('_typeFilter');
    await expectOutcome(response, 400);
  }),
  'PDex 2.2 pdex-184, pdex-185: opens status and files for the plan that asked, and for nobody else': inProcesses(
    async (target) => {
      const { token, record } = await exchanged(target);
      expect(record.manifest.requiresAccessToken).toBe(true);
      const other = await systemToken(target, 'third-plan');
      const { access_token: ofMember } = await connect(target, {}, { payer: formerPlan });
      for (const url of [record.url, record.manifest.output[0]?.url ?? '']) {
        expect((await call(url, token)).status).toBe(200);
        await expectOutcome(await call(url, undefined), 401);
        await expectOutcome(await call(url, `${token.slice(0, -1)}x`), 401);
        await expectOutcome(await call(url, other), 404);
        await expectOutcome(await call(url, ofMember), 404);
      }
      await expectOutcome(await remove(record.url, other), 404);
      await expectOutcome(await remove(record.url, ofMember), 404);
      expect((await call(record.url, token)).status).toBe(200);
    },
  ),
  'PDex 2.2 pdex-186: brings the record of the matched member, and of nobody else': inProcesses(async (target) => {
    const { match: ended, record } = await exchanged(target);
    const members = ended.resources[0]?.member?.map(({ entity }) => entity.reference) ?? [];
    const patients = record.resources.flatMap((one) => JSON.stringify(one).match(/(?<=[/"])Patient\/[\w-]+/g) ?? []);
    expect([...new Set(patients)].map((one) => members.some((member) => member.endsWith(one)))).toEqual([true]);
    expect(record.resources.some(({ resourceType }) => resourceType === 'ExplanationOfBenefit')).toBe(true);
  }),
  [`${bulk}: gives a manifest of application/json, and NDJSON of each file’s type, as many lines as it counts`]:
    inProcesses(async (target) => {
      const { token, record } = await exchanged(target);
      expect(record.response.headers.get('content-type')).toContain('application/json');
      expect(Date.parse(record.manifest.transactionTime)).toBeLessThanOrEqual(Date.now());
      expect(record.manifest.request).toContain('/Group/');
      for (const list of [record.manifest.deleted, record.manifest.error]) expect(Array.isArray(list)).toBe(true);
      for (const { type, url, count } of record.manifest.output) {
        const file = await call(url, token, { headers: { accept: 'application/fhir+ndjson' } });
        expect(file.headers.get('content-type')).toMatch(/^application\/fhir\+ndjson/);
        const lines = (await file.text()).split('\n').filter(Boolean);
        expect(lines.map((line) => (JSON.parse(line) as { readonly resourceType: string }).resourceType)).toEqual(
          Array.from({ length: count }, () => type),
        );
      }
    }),
  [`${bulk}: answers a poll while it runs with 202 and Retry-After, and the same question with 429 and where it runs`]:
    async (target) => {
      const token = await systemToken(target);
      const ask = () => startMatch(target, token, [known('twice')]);
      const url = locationOfExport(await ask());
      const again = await ask();
      const poll = await call(url, token);
      // On a fast machine it may have ended by now.
      if (again.status !== 202) expect([again.status, again.headers.get('content-location')]).toEqual([429, url]);
      if (poll.status !== 200) {
        expect([poll.status, Number(poll.headers.get('retry-after')) > 0]).toEqual([202, true]);
      }
      await remove(url, token);
    },
  [`${bulk}: answers 400 that names an unknown parameter of an export`]: async (target) => {
    const response = await startGroupExport(target, await systemToken(target), 'any', { query: '?color=blue' });
    expect(await response.clone().text()).toContain('color');
    await expectOutcome(response, 400);
  },
  [`${bulk}: answers DELETE with 202, and then status and DELETE with 404`]: async (target) => {
    const token = await systemToken(target);
    const url = locationOfExport(await startMatch(target, token, [known('deleted')]));
    expect((await remove(url, token)).status).toBe(202);
    for (const response of [await call(url, token), await remove(url, token)]) await expectOutcome(response, 404);
  },
});

/** Exchanges between plans: system tokens, matches, Groups and their exports. */
export const exchangesGroup: Group = {
  endpoint: 'exchanges with former plans',
  requirements: [...tokens, ...match, ...ofGroups, ...ofExports],
};
