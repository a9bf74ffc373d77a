/** One candidate on the contact sheet: picture, verdict, reasons, and all scores to unfold. */
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { inWords } from '../../selection/words.js';
import { durationText, numberText } from './format.js';
import { html, type Html } from './html.js';

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
  const { candidate, verdict, notPicked, error } = record;
  const state = stateText(card);
  const failed = verdict?.failed ?? [];
  return html`<li class="card ${record.state}" id="candidate-${candidate}" data-gates="${gates.join(' ')}">
    <article aria-labelledby="c-${candidate}">
      ${picture(card)}
      <div class="body">
        <div class="head">
          <h3 id="c-${candidate}">Candidate ${candidate}</h3>
          <span class="state ${verdict?.band === 'review' && record.state === 'rejected' ? 'review' : record.state}"
            >${state}</span
          >
        </div>
        ${winner && html`<p class="quality"><b>${winner.quality.toFixed(1)}</b> quality</p>`}
        ${notPicked !== null && html`<p class="note">${sentence(notPicked)}</p>`}
        ${
          failed.length > 0 &&
          html`<ul class="reasons">
            ${failed.map(({ reason }) => reasonItem(reason))}
          </ul>`
        }
        ${error && html`<p class="error">${error.message} <code>${error.code}</code></p>`}
      </div>
      ${details(record)}
    </article>
  </li> `;
}

function stateText({ record, winner }: Card): string {
  if (winner) return `Winner ${winner.rank}`;
  if (record.state === 'rejected') return record.verdict?.band === 'review' ? 'Review' : 'Rejected';
  return sentence(record.state);
}

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

function details({ candidate, seed, host, image, timing, scores, verdict }: CandidateRecord): Html {
  const failed = new Set(verdict?.failed.map(({ gate }) => gate));
  const names = Object.keys(scores).sort((a, b) => Number(failed.has(b)) - Number(failed.has(a)) || (a < b ? -1 : 1));
  const facts: [string, string][] = [['Seed', String(seed)]];
  if (image) facts.push(['Size', `${image.width} × ${image.height}`]);
  if (host !== null) facts.push(['Drawn by', host]);
  if (timing.drawMs !== null) facts.push(['Drawn in', durationText(timing.drawMs)]);
  if (timing.scoreMs !== null) facts.push(['Scored in', durationText(timing.scoreMs)]);
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
      names.length > 0 &&
      html`<table>
        <thead>
          <tr>
            <th scope="col">Dimension</th>
            <th scope="col">Raw</th>
            <th scope="col">Quality</th>
          </tr>
        </thead>
        <tbody>
          ${names.map((name) => scoreRow(name, scores[name], failed.has(name)))}
        </tbody>
      </table>`
    }
  </details>`;
}

function scoreRow(name: string, score: CandidateRecord['scores'][string] | undefined, failed: boolean): Html {
  const head = html`<th scope="row">${name}${failed && html`<span class="sr"> failed</span>`}</th>`;
  const row = failed ? html`<tr class="failed"></tr>` : html`<tr></tr>`;
  if (score?.status !== 'ok')
    return html`${row}${head}<td colspan="2">${score ? inWords(score) : ''}</td></tr>
`;
  return html`${row}${head}<td>${numberText(score.raw)}</td><td>${Math.round(score.quality)}</td></tr>
`;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
