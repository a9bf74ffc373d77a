/** One candidate on the contact sheet: picture, verdict, reasons, and all scores to unfold. */
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import type { Score, Scores } from '../../selection/types.js';
import { durationText, numberText } from './format.js';
import { html, type Html } from './html.js';
import { DECIDED } from './reviewable.js';

export interface Card {
  record: CandidateRecord;
  winner: ResultDoc['delivered'][number] | undefined;
  thumbnail: string | undefined;
  link: string | undefined;
  /** Numbers of the gates it failed, for the filter. */
  gates: readonly number[];
}

export function candidateCard(card: Card): Html {
  const { record, winner, gates } = card;
  const { candidate, verdict, notPicked, review, error } = record;
  const state = stateText(card);
  const failed = verdict?.failed ?? [];
  return html`<li class="card ${record.state}" id="candidate-${candidate}" data-gates="${gates.join(' ')}">
    <article aria-labelledby="c-${candidate}">
      ${picture(card)}
      <div class="body">
        <div class="head">
          <h3 id="c-${candidate}">Candidate ${candidate}</h3>
          <span class="state ${waits(record) ? 'review' : record.state}">${state}</span>
        </div>
        ${winner && html`<p class="quality"><b>${winner.quality.toFixed(1)}</b> quality</p>`}
        ${notPicked !== null && html`<p class="note">${sentence(notPicked)}</p>`}
        ${review && html`<p class="note">${sentence(DECIDED[review.decision])} by ${review.by}</p>`}
        ${
          failed.length > 0 &&
          html`<ul class="reasons">
            ${failed.map(({ reason }) => reasonItem(reason))}
          </ul>`
        }
        ${error && html`<p class="error">${sentence(error.message)} <code>${error.code}</code></p>`}
      </div>
      ${details(record)}
    </article>
  </li> `;
}

function stateText({ record, winner }: Card): string {
  if (winner) return `Winner ${winner.rank}`;
  if (record.state === 'rejected') return waits(record) ? 'Review' : 'Rejected';
  return sentence(record.state);
}

/** Nobody has decided on it yet. */
const waits = ({ state, verdict, review }: CandidateRecord): boolean =>
  state === 'rejected' && verdict?.band === 'review' && review === undefined;

function picture({ record, winner, thumbnail, link }: Card): Html {
  const { candidate, image } = record;
  const size = image ? `, ${image.width} by ${image.height} pixels` : '';
  const img = thumbnail
    ? html`<img src="${thumbnail}" alt="Candidate ${candidate}${size}" decoding="async" />`
    : html`<span class="missing">No picture</span>`;
  const badge = winner && html`<span class="rank" aria-hidden="true">${winner.rank}</span>`;
  return link === undefined
    ? html`<div class="picture">${img}${badge}</div>`
    : html`<a class="picture" href="${link}" title="Open the full picture">${img}${badge}</a>`;
}

/** The measured value of a reason in brackets stands apart from the words. */
function reasonItem(reason: string): Html {
  const parts = /^(.+) (\([^()]+\))$/s.exec(reason);
  return parts ? html`<li>${parts[1]} <small>${parts[2]}</small></li>` : html`<li>${reason}</li>`;
}

function details({ candidate, seed, host, image, timing, scores, verdict, group }: CandidateRecord): Html {
  const facts: [string, string][] = [['Seed', String(seed)]];
  if (group !== undefined) facts.push(['Group', group]);
  if (image) facts.push(['Size', `${image.width} × ${image.height}`]);
  if (host !== null) facts.push(['Drawn by', host]);
  if (timing.drawMs !== null) facts.push(['Drawn in', durationText(timing.drawMs)]);
  if (timing.scoreMs !== null) facts.push(['Scored in', durationText(timing.scoreMs)]);
  const failed = new Set(verdict?.failed.map(({ gate }) => gate));
  const groups = byScorer(scores);
  return html`<details>
    <summary>Scores and seed<span class="sr"> of candidate ${candidate}</span></summary>
    <dl>
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${
      groups.length > 0 &&
      html`<div class="scores" tabindex="0" role="region" aria-label="Scores of candidate ${candidate}">
        <table>
          <thead>
            <tr>
              <th scope="col">Dimension</th>
              <th scope="col">Raw</th>
              <th scope="col">Quality</th>
            </tr>
          </thead>
          ${groups.map(
            ([scorer, rows]) =>
              html`<tbody>
                <tr>
                  <th colspan="3" scope="rowgroup">${scorer}</th>
                </tr>
                ${rows.map(([id, score]) => scoreRow(id, score, failed.has(id)))}
              </tbody>`,
          )}
        </table>
      </div>`
    }
  </details>`;
}

/** Dimensions under their scorer, both in name order. */
function byScorer(scores: Scores): [scorer: string, rows: [id: string, score: Score][]][] {
  const groups = new Map<string, [string, Score][]>();
  for (const row of Object.entries(scores).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const scorer = row[0].split('.')[0] ?? '';
    groups.set(scorer, [...(groups.get(scorer) ?? []), row]);
  }
  return [...groups];
}

function scoreRow(id: string, score: Score, failed: boolean): Html {
  const [raw, quality] = score.status === 'ok' ? [numberText(score.raw), Math.round(score.quality)] : [];
  return html`<tr class="${failed && 'failed'}">
    <th scope="row">${breakable(id.slice(id.indexOf('.') + 1))}${failed && html`<span class="sr"> (failed)</span>`}</th>
    ${
      score.status === 'ok'
        ? html`<td>${raw}</td>
            <td>${quality}</td>`
        : html`<td class="none" colspan="2">${withoutValue(score)}</td>`
    }
  </tr>`;
}

/** Lets a camelCase name break before its capitals instead of anywhere. */
const breakable = (name: string): Html[] =>
  name.split(/(?=[A-Z])/).map((part, i) => (i === 0 ? html`${part}` : html`<wbr />${part}`));

function withoutValue(score: Exclude<Score, { status: 'ok' }>): string {
  if (score.status === 'notRun') return 'not run';
  return score.status === 'error' ? `error: ${score.error}` : score.reason;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
