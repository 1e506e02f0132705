/** A message that this payer "sent": the inbox page shows it, and nothing leaves the machine. */
export interface Message {
  readonly to: string;
  readonly sentAt: Date;
  /** Tells two sign-ins apart that use the same address. */
  readonly reference: string;
  readonly code: string;
  /** Path of the page that asks for the code. */
  readonly verifyPath: string;
}

export interface Mailbox {
  send(message: Message): void;
  /** Newest first. */
  messages(): readonly Message[];
}

const kept = 100;

/** A mailbox that keeps the newest hundred messages. */
export const createMailbox = (): Mailbox => {
  let messages: readonly Message[] = [];
  return {
    send(message) {
      messages = [message, ...messages].slice(0, kept);
    },
    messages: () => messages,
  };
};
