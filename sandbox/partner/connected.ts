import { problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { PayerChoice } from './payer-choice.ts';
import { notConnected } from './problem.ts';
import type { Connection, Session } from './sessions.ts';

/** Answers with the connection, or says that this browser has none. */
export const connected = async (
  session: Session,
  payer: PayerChoice,
  answer: (connection: Connection) => Promise<Answer>,
): Promise<Answer> => {
  const connection = session.connections.get(payer.id);
  return connection === undefined ? problemAnswer(notConnected(payer.displayName), payer) : answer(connection);
};
