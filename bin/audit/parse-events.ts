import * as z from 'zod';
import type { AuditEvent } from '../../functions/audit/audit-event.ts';
import { isDeeperThan } from '../../functions/shared/json/depth.ts';
import { Refusal } from '../shared/errors.ts';

const coding = z.looseObject({ system: z.string(), code: z.string() });

const reference = z.looseObject({
  reference: z.string().exactOptional(),
  identifier: z.looseObject({ system: z.string(), value: z.string() }).exactOptional(),
  display: z.string().exactOptional(),
});

/** What the tools read of an event. Other members are kept, so that an event is printed as it was filed. */
const readable: z.ZodType<Pick<AuditEvent, 'id' | 'type' | 'subtype' | 'recorded' | 'outcomeDesc'>> = z.looseObject({
  id: z.string(),
  type: coding,
  subtype: z.array(coding),
  recorded: z.iso.datetime(),
  outcomeDesc: z.string().exactOptional(),
  agent: z.array(z.looseObject({ who: reference })),
  entity: z.array(
    z.looseObject({
      what: reference,
      type: coding,
      detail: z.array(z.looseObject({ type: z.string(), valueString: z.string() })).exactOptional(),
    }),
  ),
});

/** How deep a line may nest. The audit's own events do not reach 10. */
const deepest = 50;

const parse = (line: string): unknown => {
  try {
    return isDeeperThan(deepest, line) ? undefined : JSON.parse(line);
  } catch {
    // The parser's message would quote the text.
    return undefined;
  }
};

/** The events of an object. @throws Refusal if a line is not an event as the audit writes it */
export const parseEvents = (key: string, text: string): AuditEvent[] =>
  text.split('\n').flatMap((line, index) => {
    if (line === '') return [];
    const event = parse(line);
    if (!readable.safeParse(event).success)
      throw new Refusal(`${key}, line ${index + 1}, is not an event of the audit`);
    return [event as AuditEvent];
  });
