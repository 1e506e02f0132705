import type { SandboxParts } from '../config/local.ts';
import type { LocalClient } from './clients.ts';
import { memberKeys, testMembers, type MemberKey } from './payer/data/member-list.ts';
import type { LocalPorts } from './ports.ts';

/** `2011-01-04` as the payers' sign-in asks for it: `01/04/2011`. */
const american = (date: string): string => {
  const [year, month, day] = date.split('-');
  return `${month}/${day}/${year}`;
};

/** A member, by the name on the card and the one in commands, with the names that the fields of "Create an account" have. */
const memberOf = (key: MemberKey) => {
  const { firstName, lastName, birthDate, memberId, postalCode, about } = testMembers[key];
  return {
    payers: ['demo-health-plan', 'northwind'],
    name: `${firstName} ${lastName} (${key})`,
    about,
    details: {
      'First Name': firstName,
      'Last Name': lastName,
      Birthdate: american(birthDate),
      'Member ID': memberId,
      'Postal Code': postalCode,
    },
  };
};

/** What the gateway's index page shows of the sandbox. All secrets of stage `local` are public. */
export const indexPageOf = (ports: LocalPorts, clients: readonly LocalClient[]): SandboxParts['indexPage'] => {
  const secrets = clients.flatMap(({ clientId, secret }) =>
    secret === undefined ? [] : [[clientId, secret] as const],
  );
  const [plan, northwind] = [ports.demoHealthPlan, ports.northwind].map((port) => `http://127.0.0.1:${port}`);
  return {
    testMembers: memberKeys.map(memberOf),
    links: [
      { text: 'Quick start', href: `http://localhost:${ports.live}/docs/partners/quick-start.html` },
      { text: 'All documents', href: `http://localhost:${ports.live}/docs/documents.html` },
      { text: 'Live view of each call', href: `http://localhost:${ports.live}/` },
      { text: 'API reference', href: `http://localhost:${ports.live}/api` },
      { text: 'Demo partner app', href: `http://localhost:${ports.partner}/` },
      ...[
        ['Demo Health Plan', 'demo-health-plan'],
        ['Northwind Health', 'northwind'],
      ].map(([name, payer]) => ({
        text: `Apps that may read a record at ${name}`,
        href: `http://localhost:${ports.gateway}/connections/${payer}`,
      })),
      { text: 'Identity provider', href: `http://127.0.0.1:${ports.identity}/` },
      { text: 'Inbox of Demo Health Plan', href: `${plan}/inbox` },
      { text: 'Inbox of Northwind Health', href: `${northwind}/inbox` },
      { text: 'Faults of Demo Health Plan', href: `${plan}/admin` },
      { text: 'Faults of Northwind Health', href: `${northwind}/admin` },
    ],
    clientSecrets: { 'demo-partner': 'demo-partner-secret', ...Object.fromEntries(secrets) },
  };
};
