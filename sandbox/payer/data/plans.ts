import { absolute, ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, systems } from './codes.ts';
import type { Problems } from './problems.ts';
import { addTo } from './time.ts';
import type { Visit, Visits } from './visits.ts';

export const addPlans = (record: RecordBuilder, visits: Visits, problems: Problems, careTeam: string): void => {
  const { allergist, asthmaCheck } = visits.other;
  const carriesInjector = addGoal(
    record,
    allergist,
    'Has the epinephrine injector at hand everywhere',
    problems.peanutAllergy,
  );
  const sleeps = addGoal(record, asthmaCheck, 'Sleeps through, no cough more than two nights a month', problems.asthma);
  const runs = addGoal(record, asthmaCheck, 'Plays football without stopping for the inhaler', problems.asthma);
  addPlan(
    record,
    allergist,
    careTeam,
    'Peanut allergy plan',
    problems.peanutAllergy,
    [carriesInjector],
    [
      'No peanuts at home or in day care; read every label.',
      'Hives alone: cetirizine. Anything more: the injector, then 911.',
    ],
  );
  addPlan(
    record,
    asthmaCheck,
    careTeam,
    'Asthma action plan',
    problems.asthma,
    [sleeps, runs],
    [
      'Green: fluticasone morning and evening.',
      'Yellow: two puffs of albuterol, again after 20 minutes.',
      'Red: four puffs and the emergency department.',
    ],
  );
};

export const addGoal = (record: RecordBuilder, visit: Visit, text: string, problem: string): string => {
  return record.add('Goal', 'us-core-goal', {
    lifecycleStatus: 'active',
    description: { text },
    subject: ref(record.patient),
    startDate: visit.date,
    target: [{ dueDate: addTo(visit.date, 6) }],
    expressedBy: ref(visit.practitioner),
    addresses: [ref(problem)],
  });
};

export const addPlan = (
  record: RecordBuilder,
  visit: Visit,
  careTeam: string,
  title: string,
  problem: string,
  goals: readonly string[],
  steps: readonly string[],
): void => {
  const items = steps.map((step) => `<li>${step}</li>`).join('');
  record.add('CarePlan', 'us-core-careplan', {
    text: {
      status: 'additional',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${title}</p><ul>${items}</ul></div>`,
    },
    status: 'active',
    intent: 'plan',
    category: [concept(`${systems.usCore}/careplan-category`, 'assess-plan', 'Assessment and Plan of Treatment')],
    title,
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    period: { start: visit.date, end: addTo(visit.date, 6) },
    author: ref(visit.practitioner),
    careTeam: [ref(careTeam)],
    addresses: [ref(problem)],
    goal: goals.map(absolute),
    activity: steps.map((description) => ({ detail: { status: 'in-progress', description } })),
  });
};
