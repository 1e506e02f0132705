/** The criteria of HIPAA's technical safeguards and of SOC 2, and what shows each. */
import type { SettingName } from './settings.ts';

export interface Criterion {
  readonly id: string;
  readonly asks: string;
  readonly settings: readonly SettingName[];
  readonly tests: readonly string[];
  /** If neither settings nor tests show it. */
  readonly note?: string;
  /** A command of this repository that shows it for the stage that runs. */
  readonly query?: string;
}

const hipaa: readonly Criterion[] = [
  {
    id: '164.312(a)(1)',
    asks: 'access control',
    settings: ['ownRoles', 'narrowRights', 'bucketsClosed'],
    tests: ['test/functions/fetch/access.test.ts', 'test/lib/rights.test.ts'],
    query: 'npm run partners -- list --stage NAME',
  },
  {
    id: '164.312(a)(2)(i)',
    asks: 'unique user identification',
    settings: ['streamsAudited'],
    tests: ['test/functions/fetch/audit.test.ts'],
    query: 'npm run audit -- --registry --since 2026-01-01 --stage NAME',
  },
  {
    id: '164.312(a)(2)(ii)',
    asks: 'emergency access procedure',
    settings: [],
    tests: [],
    note: 'none: the payer holds the record, and has its own',
  },
  { id: '164.312(a)(2)(iii)', asks: 'automatic logoff', settings: [], tests: ['test/config/check.test.ts'] },
  {
    id: '164.312(a)(2)(iv)',
    asks: 'encryption at rest',
    settings: [
      'tablesEncrypted',
      'bucketsEncrypted',
      'logsEncrypted',
      'queuesEncrypted',
      'secretsEncrypted',
      'topicsEncrypted',
    ],
    tests: ['test/functions/shared/store/crypto.test.ts', 'test/lib/keys.test.ts'],
  },
  {
    id: '164.312(b)',
    asks: 'audit controls',
    settings: ['auditLocked', 'streamsAudited', 'accessLog', 'logsEnd'],
    tests: ['test/functions/fetch/audit.test.ts', 'test/functions/audit/batches.test.ts'],
    query: 'npm run audit -- --grant GRANT --since 2026-01-01 --stage NAME',
  },
  {
    id: '164.312(c)(1)',
    asks: 'integrity',
    settings: ['auditLocked', 'tablesRecoverable'],
    tests: ['test/functions/shared/fhir/rewrite-links.test.ts', 'test/lib/audit.test.ts'],
  },
  {
    id: '164.312(c)(2)',
    asks: 'mechanism to authenticate health information',
    settings: ['auditLocked'],
    tests: ['test/functions/shared/store/crypto.test.ts'],
  },
  {
    id: '164.312(d)',
    asks: 'person or entity authentication',
    settings: [],
    tests: ['test/functions/token/client-secret.test.ts', 'test/functions/token/private-key-jwt.test.ts'],
    query: 'npm run smoke -- NAME',
  },
  {
    id: '164.312(e)(1)',
    asks: 'transmission security',
    settings: ['domainTls', 'edgeTls', 'bucketsByTls', 'queuesByTls', 'topicsByTls'],
    tests: ['test/lib/api.test.ts', 'test/lib/edge.test.ts', 'test/config/production.test.ts'],
  },
  {
    id: '164.312(e)(2)(i)',
    asks: 'integrity controls in transmission',
    settings: ['domainTls', 'edgeTls'],
    tests: ['test/functions/shared/fhir/rewrite-links.test.ts'],
  },
  {
    id: '164.312(e)(2)(ii)',
    asks: 'encryption in transmission',
    settings: ['domainTls', 'edgeTls', 'bucketsByTls', 'queuesByTls', 'topicsByTls'],
    tests: ['test/config/production.test.ts'],
  },
];

const soc2: readonly Criterion[] = [
  {
    id: 'SOC 2 CC6.1',
    asks: 'logical access is restricted',
    settings: ['ownRoles', 'narrowRights', 'tablesEncrypted', 'secretsEncrypted'],
    tests: ['test/lib/rights.test.ts', 'test/lib/rights-page.test.ts'],
  },
  {
    id: 'SOC 2 CC6.6',
    asks: 'threats from outside the boundary are met',
    settings: ['firewall', 'bucketsClosed'],
    tests: ['test/lib/web-acl.test.ts', 'test/fuzz/headers.test.ts'],
  },
  {
    id: 'SOC 2 CC6.7',
    asks: 'information is protected while it moves',
    settings: ['domainTls', 'edgeTls', 'bucketsByTls'],
    tests: ['test/lib/edge.test.ts'],
  },
  {
    id: 'SOC 2 CC7.2',
    asks: 'anomalies are monitored',
    settings: ['alarmsTell', 'accessLog'],
    tests: ['test/lib/alarms.test.ts'],
    query:
      'aws cloudwatch describe-alarm-history --alarm-name-prefix p2p-gateway-NAME- --history-item-type StateUpdate',
  },
  {
    id: 'SOC 2 CC8.1',
    asks: 'changes are authorized, tested and recorded',
    settings: ['streamsAudited'],
    tests: ['test/supply-chain/workflows.test.ts', 'test/bin/registry-apply.test.ts'],
    query: 'npm run audit -- --registry --since 2026-01-01 --stage NAME',
  },
  {
    id: 'SOC 2 A1.2',
    asks: 'recovery is provided for',
    settings: ['tablesRecoverable'],
    tests: ['test/bin/restore-grants.test.ts'],
    query: 'npm run drill',
  },
  {
    id: 'SOC 2 C1.2',
    asks: 'confidential information is disposed of',
    settings: ['logsEnd'],
    tests: ['test/lib/stack-properties.test.ts'],
  },
];

export const criteria: readonly Criterion[] = [...hipaa, ...soc2];
