/** Yes/no questions to a vision model: written in the policy, each a dimension of its own. */
import type { Entry, Located, LocatedYaml } from './located-yaml.js';
import type { Question } from './types.js';

export interface QuestionDimension {
  direction: 'higher' | 'lower';
  unit: string;
  range: [number, number];
  about: string;
}

/**
 * The dimensions that a policy's questions add: `question.<name>`, raw = probability of yes, 0..1.
 *
 * @example
 * questionDimensions({ handsNatural: { ask: 'Do the hands look natural?', want: 'yes' } });
 * // { 'question.handsNatural': { direction: 'higher', unit: 'probability', range: [0, 1], about: 'Do the hands look natural?' } }
 */
export function questionDimensions(questions: Readonly<Record<string, Question>>): Record<string, QuestionDimension> {
  return Object.fromEntries(
    Object.entries(questions).map(([name, { ask, want }]): [string, QuestionDimension] => [
      `question.${name}`,
      { direction: want === 'yes' ? 'higher' : 'lower', unit: 'probability', range: [0, 1], about: ask },
    ]),
  );
}

/** The part `questions` of a policy file: `{ handsNatural: { ask: Do the hands look natural?, want: yes } }`. */
export function readQuestions(yaml: LocatedYaml, at: Located): Record<string, Question> {
  const questions: Record<string, Question> = {};
  for (const entry of yaml.entries(at, 'questions')) {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(entry.key))
      yaml.problem(entry.keyOffset, `the question ${entry.key} is not in camelCase`);
    const fields = new Map<string, Entry>(
      yaml.entries(entry, `questions.${entry.key}`, ['ask', 'want']).map((field) => [field.key, field]),
    );
    const ask = fields.get('ask');
    const want = fields.get('want');
    const text = ask && yaml.text(ask, 'ask (the question)');
    if (text === undefined || text === '') yaml.problem(entry.keyOffset, `the question ${entry.key} asks nothing`);
    questions[entry.key] = {
      ask: text ?? '',
      want: (want && yaml.choice(want, 'want', ['yes', 'no'])) ?? 'yes',
    };
  }
  return questions;
}
