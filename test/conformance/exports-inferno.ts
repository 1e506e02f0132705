import { connect } from './client.ts';
import { call, exported, kickOff, locationOfExport, remove } from './exports-client.ts';
import { inProcesses, onStage, promises, type Requirement } from './requirement.ts';
import { baseOf, type Target } from './target.ts';

/*
 * The checks of Inferno's Bulk Data kit 2.0.0 for a patient-level export, one by one, with their ids. Checks that
 * cannot apply to a single member or to this machine are listed in docs/partners/whole-record.md.
 */

const checkOf = (id: string): string => `Inferno Bulk Data 2.0.0: ${id}`;

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

const statement = async (target: Target) =>
  (await (await fetch(`${baseOf(target)}/metadata`)).json()) as {
    readonly instantiates?: readonly string[];
    readonly rest: readonly {
      readonly resource: readonly { readonly type: string; readonly operation?: readonly object[] }[];
    }[];
  };

export const infernoChecks: readonly Requirement[] = promises({
  'bulk_data_patient_export_operation_support: declares an operation named export on Patient, by its canonical, and instantiates the guide’s statement':
    onStage(async (target) => {
      const { instantiates, rest } = await statement(target);
      expect(instantiates).toContain('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data');
      expect(rest[0]?.resource.find(({ type }) => type === 'Patient')?.operation).toContainEqual({
        name: 'export',
        definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
      });
    }),
  'bulk_data_patient_no_auth_reject: refuses a kick-off without a token': onStage(async (target) => {
    expect((await kickOff(target, undefined)).status).toBe(401);
  }),
  'bulk_data_patient_kick_off: answers a kick-off by GET with 202 and an absolute Content-Location': async (target) => {
    const { access_token: token } = await connect(target);
    const response = await kickOff(target, token);
    expect(response.status).toBe(202);
    expect(locationOfExport(response)).toMatch(/^https?:\/\//);
  },
  'bulk_data_patient_status_check: answers polls with 202 until it is 200, in application/json, with every element of the manifest':
    inProcesses(async (target) => {
      const { response, manifest } = await exported(target);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(manifest).toMatchObject({
        transactionTime: expect.stringMatching(instantForm) as string,
        request: `${baseOf(target)}/Patient/$export`,
        requiresAccessToken: true,
      });
      for (const list of [manifest.output, manifest.error, manifest.deleted]) expect(Array.isArray(list)).toBe(true);
    }),
  'bulk_data_patient_output_check: names type and absolute URL of each file': inProcesses(async (target) => {
    const { output } = (await exported(target)).manifest;
    expect(output.length).toBeGreaterThan(0);
    for (const { type, url } of output) {
      expect(type).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(url).toMatch(/^https?:\/\//);
    }
  }),
  'bulk_data_patient_ndjson_download: refuses a file without a token': inProcesses(async (target) => {
    const { manifest } = await exported(target);
    const response = await call(manifest.output[0]?.url ?? '', undefined, {
      headers: { accept: 'application/fhir+ndjson' },
    });
    expect(response.status).toBe(401);
  }),
  'bulk_data_patient_valid_resources: gives files of application/fhir+ndjson, each line one resource of the file’s type, as many as it counts':
    inProcesses(async (target) => {
      const { token, manifest } = await exported(target);
      for (const { type, url, count } of manifest.output) {
        const response = await call(url, token, { headers: { accept: 'application/fhir+ndjson' } });
        expect(response.headers.get('content-type')).toMatch(/^application\/fhir\+ndjson/);
        const lines = (await response.text()).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines).toHaveLength(count);
        for (const line of lines) expect(JSON.parse(line)).toMatchObject({ resourceType: type });
      }
    }),
  'bulk_data_patient_export_cancel: answers DELETE of a running export with 202': async (target) => {
    const { access_token: token } = await connect(target);
    expect((await remove(locationOfExport(await kickOff(target, token)), token)).status).toBe(202);
  },
  'bulk_data_patient_export_cancel_stu2: answers a poll after DELETE with 404 and an OperationOutcome': async (
    target,
  ) => {
    const { access_token: token } = await connect(target);
    const url = locationOfExport(await kickOff(target, token));
    await remove(url, token);
    const response = await call(url, token, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found' }],
    });
  },
  'output_format_in_patient_export_response: takes _outputFormat in its three spellings': async (target) => {
    const { access_token: token } = await connect(target);
    for (const format of ['application/fhir+ndjson', 'application/ndjson', 'ndjson']) {
      const query = `?${new URLSearchParams({ _outputFormat: format }).toString()}`;
      const response = await kickOff(target, token, { query });
      expect(response.status).toBe(202);
      expect((await remove(locationOfExport(response), token)).status).toBe(202);
    }
  },
  'since_in_patient_export_response: takes _since': async (target) => {
    const { access_token: token } = await connect(target);
    const weekAgo = new Date(Date.now() - 7 * 86_400_000).toISOString();
    const response = await kickOff(target, token, { query: `?_since=${encodeURIComponent(weekAgo)}` });
    expect(response.status).toBe(202);
    expect((await remove(locationOfExport(response), token)).status).toBe(202);
  },
}).map((one) => Object.assign(one, { source: checkOf(one.source) }));
