import { randomBytes } from 'node:crypto';
import { base64url } from '../../../../functions/shared/base64url.ts';
import { exportIdBytes, grantOfExport, makeExportId } from '../../../../functions/shared/exports/export-id.ts';

const grantId = base64url(randomBytes(16));

describe("an export's id", () => {
  it('begins with its grant’s, by which its item is found', () => {
    const id = makeExportId(grantId, randomBytes(exportIdBytes));
    expect(id).toMatch(/^[\w-]{44}$/);
    expect(grantOfExport(id)).toBe(grantId);
  });

  it('is another one each time, for the same grant', () => {
    const ids = Array.from({ length: 100 }, () => makeExportId(grantId, randomBytes(exportIdBytes)));
    expect(new Set(ids).size).toBe(100);
  });

  it('is a legal name of a durable execution, with room for a successor’s number', () => {
    expect(`${makeExportId(grantId, randomBytes(exportIdBytes))}-99`).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it.each(['', 'x', 'A'.repeat(43), 'A'.repeat(45), `${'A'.repeat(43)}.`, `${'A'.repeat(44)}\n`, `${'A'.repeat(44)}/`])(
    'is not %j',
    (text) => {
      expect(grantOfExport(text)).toBeUndefined();
    },
  );
});
