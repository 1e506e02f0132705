import type { Source } from './fact.ts';

const fasten = 'https://github.com/fastenhealth/fasten-sources/blob';

/** How a client that connects to these payers is configured for one of them. */
export const fastenDefinition = (name: string, date: string): Source => ({
  url: `${fasten}/968f61596b9660d170e74dc619c90bfb163a883e/definitions/platform/${name}.yaml`,
  date,
});

/** The endpoints that the same client had read from the payers' discovery documents. */
export const fastenEndpoints = (name: string): Source => ({
  url: `${fasten}/0c1358251bb6a11a7af20953df125dbbfcef4f7c/definitions/internal/platform/${name}.go`,
  date: '2024-01-10',
});

/** What the same client does for all payers, and whom it excepts: `aud`, and how it authenticates. */
export const fastenForAll: Source = {
  url: `${fasten}/968f61596b9660d170e74dc619c90bfb163a883e/definitions/models/lighthouse_endpoint_definition.go`,
  date: '2026-02-28',
};

const fastenIssue = (number: number, date: string): Source => ({
  url: `https://github.com/fastenhealth/fasten-onprem/issues/${number}`,
  date,
});

/** UnitedHealthcare refuses members after sign-in whose plan is not under the rule. */
export const unitedHealthcareRefusesMembers = fastenIssue(318, '2023-11-16');
/** So does Aetna. */
export const aetnaRefusesMembers = fastenIssue(33, '2023-03-24');
/** Anthem's `$everything` sends no header in time. */
export const anthemIsSlow = fastenIssue(99, '2026-11-26');

/** A file of a public collection of providers' own documents, at a commit. */
export const apiEvangelist = (repository: string, commit: string, path: string, date: string): Source => ({
  url: `https://github.com/api-evangelist/${repository}/blob/${commit}/${path}`,
  date,
});
