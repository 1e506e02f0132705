/** What a command changes: something at AWS, files of the person who runs it, or nothing. */
type Kind = 'aws' | 'files' | 'nothing';

/** Every command of every tool, as the help has it; a tool without commands has one without a name. */
export const toolCommands: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  audit: { '': 'nothing' },
  'changelog-check': { '': 'nothing' },
  cost: { '': 'files' },
  existing: { needs: 'nothing', check: 'nothing' },
  grants: { show: 'nothing', end: 'aws' },
  init: { '': 'files' },
  'make-search-targets': { '': 'files' },
  members: { find: 'nothing', report: 'files', end: 'aws', index: 'aws' },
  partners: {
    new: 'nothing',
    rotate: 'nothing',
    block: 'aws',
    unblock: 'aws',
    list: 'nothing',
    webhook: 'aws',
    replay: 'aws',
  },
  payers: {
    check: 'nothing',
    learn: 'nothing',
    key: 'nothing',
    secret: 'aws',
    pause: 'aws',
    resume: 'aws',
    list: 'nothing',
  },
  registry: { diff: 'nothing', apply: 'aws', export: 'nothing' },
  release: { check: 'nothing', cut: 'files', build: 'files', notes: 'nothing' },
  restore: { grants: 'aws', revocations: 'aws', stops: 'aws', reads: 'aws' },
  smoke: { '': 'aws' },
  stages: { '': 'nothing' },
  template: { '': 'files' },
  trace: { '': 'nothing' },
  usage: { '': 'files' },
};
