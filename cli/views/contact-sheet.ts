/** contact-sheet.html: every candidate of a request with its verdict and reasons, in one file that opens from disk. */
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { candidateCard } from './contact-sheet-card.js';
import { contactSheetStyle } from './contact-sheet-style.js';
import { durationText, moneyText } from './format.js';
import { html, type Html } from './html.js';
import { factList, page } from './page.js';

export interface ContactSheet {
  result: ResultDoc;
  records: readonly CandidateRecord[];
  /** Candidate -> `data:` URI of a small picture; a candidate without one gets a placeholder. */
  thumbnails: ReadonlyMap<number, string>;
  policyName: string;
  /** What was asked for, as a headline. */
  prompt: string;
  /** Candidate -> where its full picture lies, relative to the sheet. */
  links?: ReadonlyMap<number, string>;
}

/** From here on, cards out of sight are not laid out. */
const MANY = 200;

const GROUPS = [
  { id: 'delivered', title: 'Delivered' },
  { id: 'passed', title: 'Passed, not picked' },
  { id: 'rejected', title: 'Rejected' },
  { id: 'lost', title: 'Lost' },
  { id: 'cancelled', title: 'Cancelled' },
] as const;
type GroupId = (typeof GROUPS)[number]['id'];

/**
 * The contact sheet as one HTML document: no scripts, no requests, light and dark, usable by keyboard and screen reader. Winners come first in
 * rank order, then what passed, then what was rejected with the fewest failed gates first.
 *
 * @example
 * await writeFile('contact-sheet.html', contactSheet({ result, records, thumbnails, policyName: 'product', prompt }));
 */
export function contactSheet(sheet: ContactSheet): string {
  const { result, records, prompt } = sheet;
  const winners = new Map(result.delivered.map((winner) => [winner.candidate, winner]));
  const sorted = [...records].sort(
    (a, b) =>
      (winners.get(a.candidate)?.rank ?? Infinity) - (winners.get(b.candidate)?.rank ?? Infinity) ||
      placeOf(a) - placeOf(b) ||
      a.candidate - b.candidate,
  );
  const groups = GROUPS.map((group) => ({
    ...group,
    members: sorted.filter((one) => groupOf(one) === group.id),
  })).filter((group) => group.members.length > 0);
  const gates = gateCounts(records);
  const gateIndex = new Map(gates.map(([gate], index) => [gate, index]));
  const title = prompt === '' ? result.request : prompt;

  return page({
    title: `${outcome(result)}: ${title}`,
    style: contactSheetStyle({ groups: GROUPS.map((group) => group.id), gates: gates.length }),
    kind: records.length > MANY && 'many',
    content: html`<header>
        <p class="outcome ${result.state}">${outcome(result)}</p>
        <h1>${title}</h1>
        ${summary(sheet)}
      </header>
      <main>
        ${filters(groups, gates, records.length)}
        ${groups.map(
          ({ id, title: heading, members }) =>
            html`<section class="group ${id}" aria-labelledby="h-${id}">
              <h2 id="h-${id}">${heading} <span class="count">${members.length}</span></h2>
              <ul class="cards">
                ${members.map((record) =>
                  candidateCard({
                    record,
                    winner: winners.get(record.candidate),
                    thumbnail: sheet.thumbnails.get(record.candidate),
                    link: sheet.links?.get(record.candidate),
                    gates: (record.verdict?.failed ?? []).flatMap(({ gate }) => gateIndex.get(gate) ?? []),
                  }),
                )}
              </ul>
            </section> `,
        )}
      </main>
      <footer>
        <dl>
          <div>
            <dt>Request</dt>
            <dd><code>${result.request}</code></dd>
          </div>
          <div>
            <dt>Release</dt>
            <dd><code>${result.release}</code></dd>
          </div>
        </dl>
      </footer>`,
  });
}

/** Drawn but never scored only in a request that still runs; it stands with the cancelled. */
function groupOf({ state }: CandidateRecord): GroupId {
  return state === 'drawn' ? 'cancelled' : state;
}

/** Within a group: review before reject, then the fewest failed gates; near-duplicates after those that ranked. */
function placeOf({ verdict, notPicked }: CandidateRecord): number {
  if (notPicked !== null) return Number(/^ranked (\d+)/.exec(notPicked)?.[1] ?? Infinity);
  return (verdict?.band === 'review' ? 0 : 1_000) + (verdict?.failed.length ?? 0);
}

function outcome({ state, delivered, wanted, error }: ResultDoc): string {
  if (state === 'failed') return `Failed${error ? `: ${error.message}` : ''}`;
  if (state === 'cancelled') return 'Cancelled';
  const count = `${delivered.length} of ${wanted} delivered`;
  return state === 'shortfall' ? `Shortfall, ${count}` : count;
}

function summary({ result, records, policyName }: ContactSheet): Html {
  const { counts, timing, cost } = result;
  const facts: [string, string][] = [
    ['Drawn', String(records.filter(({ image }) => image !== null).length)],
    ['Passed', String(counts.passed)],
    ['Rejected', String(counts.rejected)],
  ];
  if (counts.lost > 0) facts.push(['Lost', String(counts.lost)]);
  if (counts.cancelled > 0) facts.push(['Cancelled', String(counts.cancelled)]);
  if (policyName !== '') facts.push(['Policy', policyName]);
  facts.push(['Time', durationText(timing.totalMs)]);
  if (cost) facts.push(['Cost', moneyText(cost.microUsd)]);
  return factList(facts);
}

function gateCounts(records: readonly CandidateRecord[]): [gate: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { state, verdict } of records)
    if (state === 'rejected')
      for (const { gate } of verdict?.failed ?? []) counts.set(gate, (counts.get(gate) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

/** One choice of what is shown: all, one group, or the rejected of one gate. Radio buttons and style rules, so that no script is needed. */
function filters(
  groups: readonly { id: GroupId; title: string; members: readonly unknown[] }[],
  gates: readonly [gate: string, count: number][],
  total: number,
): Html {
  const most = Math.max(1, ...gates.map(([, count]) => count));
  return html`<fieldset class="filters">
    <legend>Show</legend>
    <div class="tabs">
      <label
        ><input type="radio" name="show" id="show-all" checked /><span>All <b>${total}</b></span></label
      >
      ${groups.map(
        ({ id, title, members }) =>
          html`<label
            ><input type="radio" name="show" id="show-${id}" /><span>${title} <b>${members.length}</b></span></label
          >`,
      )}
    </div>
    ${
      gates.length > 0 &&
      html`<div class="gates" role="group" aria-labelledby="h-gates">
        <p id="h-gates">Rejected by gate <small>one candidate can fail several</small></p>
        ${gates.map(
          ([gate, count], index) =>
            html`<label
              ><input type="radio" name="show" id="show-gate-${index}" /><span class="gate"
                ><span class="name">${gate}</span
                ><span class="bar" aria-hidden="true"><i style="width:${((100 * count) / most).toFixed(1)}%"></i></span
                ><b>${count}</b></span
              ></label
            >`,
        )}
      </div>`
    }
  </fieldset>`;
}
