/** A message that this payer "sent". The inbox page shows it; it never leaves the machine. */
export interface Message {
  readonly to: string;
  readonly sentAt: Date;
  /** Distinguishes two sign-ins with the same address. */
  readonly reference: string;
  readonly code: string;
  /** Path of the page where the code is entered. */
  readonly verifyPath: string;
}

export interface Mailbox {
  send(message: Message): void;
  /** Newest first. */
  messages(): readonly Message[];
}

const kept = 100;

/** A mailbox that keeps the newest 100 messages. */
export const createMailbox = (): Mailbox => {
  let messages: readonly Message[] = [];
  return {
    send(message) {
      messages = [message, ...messages].slice(0, kept);
    },
    messages: () => messages,
  };
};
