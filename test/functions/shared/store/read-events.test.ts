import { readEventItem, type ReadEvent } from '../../../../functions/shared/store/read-events.ts';

const opened: ReadEvent = {
  type: 'opened',
  atMs: 1_780_315_200_999,
  requestId: 'request-1',
  grantId: 'grant-1',
  partner: 'demo-app',
  payer: 'northwind',
  patient: 'patient-1',
  interaction: 'search-type Observation',
};
const item = {
  eventId: { S: 'request-1' },
  type: { S: 'opened' },
  atMs: { N: '1780315200999' },
  requestId: { S: 'request-1' },
  grantId: { S: 'grant-1' },
  partner: { S: 'demo-app' },
  payer: { S: 'northwind' },
  patient: { S: 'patient-1' },
  interaction: { S: 'search-type Observation' },
  // 35 days later, in seconds.
  expiresAt: { N: String(1_780_315_200 + 35 * 86_400) },
};

describe('the item of a read', () => {
  it('is kept for 35 days, and is found among the open ones while the read has no end', () => {
    expect(readEventItem(opened)).toEqual({ ...item, openId: { S: 'request-1' } });
  });

  it('says how the read ended, and is no longer among the open ones', () => {
    const ended = { ...opened, type: 'ended', end: { status: 502, error: 'payer_error', bytes: 0 } } as const;

    expect(readEventItem(ended)).toEqual({
      ...item,
      type: { S: 'ended' },
      status: { N: '502' },
      error: { S: 'payer_error' },
      bytes: { N: '0' },
    });
  });

  it('names no patient if the grant has none', () => {
    const { patient: _, ...withoutPatient } = opened;

    expect(readEventItem(withoutPatient)).not.toHaveProperty('patient');
  });
});
