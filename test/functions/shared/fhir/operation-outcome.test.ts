import { operationOutcome } from '../../../../functions/shared/fhir/operation-outcome.ts';

describe('operationOutcome', () => {
  it('has the message where clients look for it', () => {
    expect(operationOutcome('not-found', 'No.')).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', details: { text: 'No.' }, diagnostics: 'No.' }],
    });
  });

  it('has the reference after the message in diagnostics, and the message alone in details.text', () => {
    const [issue] = operationOutcome('not-found', 'No.', 'ref-1').issue;
    expect(issue).toMatchObject({ details: { text: 'No.' }, diagnostics: 'No. (reference ref-1)' });
  });
});
