/** The figures as Markdown, and where they go in docs/accuracy.md. */
import type { JobFigures, Share } from './figures.js';
import type { Range } from './jobs.js';

export interface Report {
  bench: 'accuracy';
  seeds: { kind: Range['kind']; from: number };
  versions: { painter: string; photos: string };
  /** On what the thresholds were chosen. */
  tuned: Range;
  jobs: ({ job: string; source: string; withoutGate: Readonly<Record<string, number>> } & JobFigures)[];
}

const [BEGIN, END] = ['<!-- gates: written by npm run bench:accuracy -->', '<!-- gates: end -->'];

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

function cell({ hit, of, share, interval }: Share): string {
  if (share === null || interval === null) return '-';
  return `${percent(share)} (${hit}/${of}; ${percent(interval[0])} to ${percent(interval[1])})`;
}

const noGate = (max: number | undefined): string => (max === undefined ? '' : ` (no gate; at ${max})`);

export function tables({ jobs, seeds, versions, tuned }: Report): string {
  const words = [
    `Pictures of the sandbox (painter ${versions.painter}, photos ${versions.photos}), ${seeds.kind} seeds from ${seeds.from}. Thresholds were chosen on ` +
      `seeds from ${tuned.seeds.from}, with photos of ${tuned.people.join(' and ')}, and of ${tuned.garments.join(' and ')}. In brackets: cases, ` +
      'and the 95 % interval (Wilson).',
  ];
  for (const one of jobs) {
    words.push(
      `### ${one.job}`,
      `${one.pictures} pictures: ${one.source}; ${percent(one.defective)} have a change that counts. The policy as a whole: precision ` +
        `${cell(one.precision)}, recall ${cell(one.recall)}.`,
      [
        '| gate | there for | precision | with any change that counts | recall | could not tell |',
        '| --- | --- | --- | --- | --- | --- |',
        ...one.gates.map(
          ({ gate, defects, precision, anyDefect, recall, unassessable }) =>
            `| \`${gate}\`${noGate(one.withoutGate[gate])} | ${defects.join(', ') || '-'} | ${cell(precision)} | ${cell(anyDefect)} | ${cell(recall)} | ${unassessable} |`,
        ),
      ].join('\n'),
      [
        '| change | rejected by whatever gate |',
        '| --- | --- |',
        ...one.defects.map(({ defect, recall }) => `| ${defect} | ${cell(recall)} |`),
      ].join('\n'),
    );
  }
  return `${words.join('\n\n')}\n`;
}

/** The document with these tables between its markers, at its end where it has none yet; the tables of other jobs stay. */
export function withTables(document: string, text: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  const has = from >= 0 && to > from;
  const [intro, fresh] = sectionsOf(text);
  const [, kept] = has ? sectionsOf(document.slice(from + BEGIN.length, to)) : ['', new Map<string, string>()];
  const block = `${BEGIN}\n\n${[intro, ...new Map([...kept, ...fresh]).values()].join('\n\n')}\n\n${END}`;
  if (has) return `${document.slice(0, from)}${block}${document.slice(to + END.length)}`;
  return `${document.trim() === '' ? '# Accuracy' : document.trimEnd()}\n\n## Gates\n\n${block}\n`;
}

/** What stands before the first job, and each job's part by its heading. */
function sectionsOf(text: string): [string, Map<string, string>] {
  const [intro = '', ...parts] = text.split(/^(?=### )/m).map((part) => part.trim());
  return [intro, new Map(parts.map((part) => [part.split('\n')[0] ?? '', part]))];
}
